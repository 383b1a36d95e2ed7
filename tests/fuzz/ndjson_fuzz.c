/* The lines of a file (import/ndjson.h).
 *
 *     first byte --> the longest line; the rest --> a file --> its lines, each compared with what stands in the input
 *
 * Every byte of the input is in one line, in the end of a line or in a line that is too long, in order. */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/ndjson.h"
#include "tests/fuzz/fuzz.h"

/* The position of the reader in the input, computed by this file alone. */
struct reference {
    const char *at, *end;
    unsigned long line;
};

static int file_of(const uint8_t *data, size_t size);
static bool next_line(struct reference *reference, const char **ret_line, size_t *ret_bytes);
static bool is_blank(const char *line, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *text = (const char *)data + 1, *line, *expected = text;
    size_t max_bytes = (size_t)data[0] + 1, bytes, expected_bytes = 0;
    struct reference reference = {text, text + size - 1, 0};
    if (size > 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        reference.at += 3; /* a byte order mark is not a part of the first line */
    struct ndjson file;
    ndjson_init(&file, file_of(data + 1, size - 1), max_bytes);
    enum ndjson_status status;
    while ((status = ndjson_next(&file, &line, &bytes)) == NDJSON_LINE ||
           status == NDJSON_TOO_LONG) {
        while (reference.line < file.line) {
            fuzz_check(reference.line == 0 || reference.line + 1 == file.line ||
                       is_blank(expected, expected_bytes)); /* the reader may leave out blank lines,
                                                             * and no others */
            fuzz_check(next_line(&reference, &expected, &expected_bytes));
        }
        fuzz_check(reference.line == file.line);
        fuzz_check((status == NDJSON_TOO_LONG) == (expected_bytes > max_bytes));
        if (status == NDJSON_LINE) {
            fuzz_check(bytes == expected_bytes);
            fuzz_check(memcmp(line, expected, bytes) == 0);
        }
    }
    fuzz_check(status == NDJSON_END);
    while (next_line(&reference, &expected, &expected_bytes))
        fuzz_check(is_blank(expected, expected_bytes));
    ndjson_finish(&file);
    return 0;
}

/* The same file each time, with other bytes. */
static int file_of(const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0)
        fd = memfd_create("input", MFD_CLOEXEC);
    fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    fuzz_check(write(fd, data, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* False at the end. */
static bool next_line(struct reference *reference, const char **ret_line, size_t *ret_bytes)
{
    if (reference->at == reference->end)
        return false;
    const char *lf = memchr(reference->at, '\n', (size_t)(reference->end - reference->at));
    const char *end = lf != NULL ? lf : reference->end;
    *ret_line = reference->at;
    *ret_bytes = (size_t)(end - reference->at);
    if (*ret_bytes > 0 && end[-1] == '\r')
        --*ret_bytes;
    reference->at = lf != NULL ? lf + 1 : end;
    reference->line++;
    return true;
}

static bool is_blank(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}
