/* The lines of a file, compared with the lines of a reader that has no buffer. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/ndjson.h"

TestSuite(ndjson, .timeout = 60);

static int file_with(const char *text, size_t bytes)
{
    int fd = memfd_create("lines", MFD_CLOEXEC);

    cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
    cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void expect_line(struct ndjson *lines, const char *want)
{
    const char *line;
    size_t bytes;

    cr_assert_eq(ndjson_next(lines, &line, &bytes), NDJSON_LINE);
    cr_expect(bytes == strlen(want) && memcmp(line, want, bytes) == 0, "%.*s", (int)bytes, line);
}

Test(ndjson, lends_each_line_without_its_end)
{
    const char *line, text[] = "one\ntwo\r\n\n\r\nlast";
    size_t bytes;
    struct ndjson lines;
    int fd = file_with(text, strlen(text));

    ndjson_init(&lines, fd, 100);
    expect_line(&lines, "one");
    expect_line(&lines, "two");
    expect_line(&lines, "");
    expect_line(&lines, "");
    expect_line(&lines, "last");
    cr_expect_eq(lines.line, 5);
    cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_END);
    cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_END, "it stays at the end");
    cr_expect_eq(lines.line, 5);
    ndjson_finish(&lines);
    close(fd);
}

Test(ndjson, an_empty_file_has_no_line)
{
    const char *line;
    size_t bytes;
    struct ndjson lines;
    int fd = file_with("", 0);

    ndjson_init(&lines, fd, 100);
    cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_END);
    ndjson_finish(&lines);
    close(fd);
}

Test(ndjson, a_byte_order_mark_is_not_part_of_the_first_line)
{
    static const struct {
        const char *text, *first; /* NULL: there is no line */
    } cases[] = {
        {"\xEF\xBB\xBFone\n", "one"},
        {"\xEF\xBB\xBFone", "one"},
        {"\xEF\xBB\xBF\n", ""},
        {"\xEF\xBB\xBF", NULL},
        {"\xEF\xBB\xBF\xEF\xBB\xBFx", "\xEF\xBB\xBFx"}, /* only one is removed */
        {"\xEF\xBB\xBF"
         "0123456789",
         "0123456789"}, /* as long as a line may be */
        {"\xEF\xBBx\n", "\xEF\xBBx"},
        {"\xEF\xBB", "\xEF\xBB"},
        {"\xEF", "\xEF"},
        {"\n", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *line;
        size_t bytes;
        struct ndjson lines;
        int fd = file_with(cases[i].text, strlen(cases[i].text));
        ndjson_init(&lines, fd, 10);
        if (cases[i].first != NULL)
            expect_line(&lines, cases[i].first);
        cr_expect_eq(lines.line, cases[i].first != NULL);
        cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_END, "case %zu", i);
        cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_END, "case %zu", i);
        ndjson_finish(&lines);
        close(fd);
    }
}

Test(ndjson, a_byte_order_mark_in_a_later_line_is_part_of_it)
{
    const char text[] = "one\n\xEF\xBB\xBFtwo\n";
    struct ndjson lines;
    int fd = file_with(text, strlen(text));

    ndjson_init(&lines, fd, 100);
    expect_line(&lines, "one");
    expect_line(&lines, "\xEF\xBB\xBFtwo");
    ndjson_finish(&lines);
    close(fd);
}

Test(ndjson, the_first_line_of_a_pipe_does_not_wait_for_a_byte_order_mark)
{
    int ends[2];
    struct ndjson lines;

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "\n", 1), 1);
    ndjson_init(&lines, ends[0], 100);
    expect_line(&lines, ""); /* the pipe is still open: another read would block for ever */
    ndjson_finish(&lines);
    close(ends[0]);
    close(ends[1]);
}

Test(ndjson, only_spaces_tabs_and_crs_make_a_line_blank)
{
    cr_expect(ndjson_is_blank("", 0));
    cr_expect(ndjson_is_blank(" \t\r ", 4));
    cr_expect_not(ndjson_is_blank(" {", 2));
    cr_expect_not(ndjson_is_blank("\v", 1));
    cr_expect_not(ndjson_is_blank("\0", 1));
    cr_expect_not(ndjson_is_blank("\xC2\xA0", 2), "this blank is not white space in JSON");
}

/* Reads text[*at...] by the rules of the header, one byte after the other. */
static enum ndjson_status plain_next(const char *text, size_t length, size_t *at, size_t max_bytes,
                                     size_t *ret_start, size_t *ret_bytes)
{
    size_t end = *at;

    if (*at == length)
        return NDJSON_END;
    while (end < length && text[end] != '\n')
        end++;
    *ret_start = *at;
    *ret_bytes = end - *at;
    *at = end < length ? end + 1 : end;
    if (*ret_bytes > 0 && text[*ret_start + *ret_bytes - 1] == '\r')
        --*ret_bytes;
    return *ret_bytes > max_bytes ? NDJSON_TOO_LONG : NDJSON_LINE;
}

Test(ndjson, any_line_at_any_edge_of_the_buffer_is_read_correctly)
{
    srand(1);
    for (int round = 0; round < 20000; round++) {
        char text[64];
        const char *line = NULL;
        size_t length = (size_t)rand() % sizeof(text), max_bytes = (size_t)rand() % 9 + 1, at = 0;
        size_t want_start = 0, want_bytes = 0, bytes = 0;
        unsigned long number = 0;
        enum ndjson_status want, got;
        struct ndjson lines;

        for (size_t i = 0; i < length; i++)
            text[i] = "abcdefgh\n\n\r"[rand() % 11];
        int fd = file_with(text, length);
        ndjson_init(&lines, fd, max_bytes);
        do {
            want = plain_next(text, length, &at, max_bytes, &want_start, &want_bytes);
            got = ndjson_next(&lines, &line, &bytes);
            cr_assert_eq(got, want, "round %d, line %lu: %d", round, lines.line, got);
            if (want == NDJSON_LINE)
                cr_assert(bytes == want_bytes && memcmp(line, text + want_start, bytes) == 0);
            number += want != NDJSON_END;
            cr_assert_eq(lines.line, number);
        } while (want != NDJSON_END);
        ndjson_finish(&lines);
        close(fd);
    }
}

Test(ndjson, a_line_that_grows_the_buffer_is_whole)
{
    enum { BYTES = 300001 };
    char *text = malloc(BYTES + 3);
    const char *line;
    size_t bytes;
    struct ndjson lines;

    memset(text, 'x', BYTES);
    memcpy(text + BYTES, "\nz\n", 3);
    int fd = file_with(text, BYTES + 3);
    ndjson_init(&lines, fd, BYTES);
    cr_assert_eq(ndjson_next(&lines, &line, &bytes), NDJSON_LINE);
    cr_expect(bytes == BYTES && memcmp(line, text, BYTES) == 0);
    expect_line(&lines, "z");
    ndjson_finish(&lines);

    lseek(fd, 0, SEEK_SET);
    ndjson_init(&lines, fd, BYTES - 1);
    cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_TOO_LONG);
    expect_line(&lines, "z");
    ndjson_finish(&lines);
    close(fd);
    free(text);
}

Test(ndjson, a_line_that_arrives_in_pieces_is_joined)
{
    int ends[2];
    struct ndjson lines;

    cr_assert_eq(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        const char text[] = "\xEF\xBB\xBF"
                            "a line\r\nand another";
        for (size_t i = 0; i < sizeof(text) - 1; i++)
            if (write(ends[1], text + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    ndjson_init(&lines, ends[0], 100);
    expect_line(&lines, "a line");
    expect_line(&lines, "and another");
    ndjson_finish(&lines);
    close(ends[0]);
}

Test(ndjson, a_file_that_cannot_be_read_is_an_error_with_its_errno)
{
    const char *line;
    size_t bytes;
    struct ndjson lines;
    int fd = open("/", O_RDONLY | O_CLOEXEC);

    ndjson_init(&lines, fd, 100);
    errno = 0;
    cr_expect_eq(ndjson_next(&lines, &line, &bytes), NDJSON_FAILED);
    cr_expect_eq(errno, EISDIR);
    ndjson_finish(&lines);
    close(fd);
}
