/* The lines of a file.
 *
 *     ndjson_next --> first call: skip a byte order mark
 *                 --> is there a whole line in the buffer? --> lend it
 *                       | no: make room, fill, look again
 *                       | the buffer is as large as it may be: skip to the end of the line         */
#include "import/ndjson.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_BYTES = 64 * 1024, LINE_END_BYTES = 2, MARK_BYTES = 3 };
static const char byte_order_mark[MARK_BYTES] = {'\xEF', '\xBB', '\xBF'};

static bool skip_byte_order_mark(struct ndjson *file);
static enum ndjson_status lend(struct ndjson *file, size_t bytes, size_t with_end,
                               const char **ret_line, size_t *ret_bytes);
static bool make_room(struct ndjson *file);
static bool fill(struct ndjson *file);
static enum ndjson_status skip(struct ndjson *file);

void ndjson_init(struct ndjson *file, int fd, size_t max_bytes)
{
    assert(max_bytes > 0);
    *file = (struct ndjson){.fd = fd, .max_bytes = max_bytes};
}

void ndjson_finish(struct ndjson *file)
{
    free(file->_data);
    *file = (struct ndjson){.fd = -1};
}

enum ndjson_status ndjson_next(struct ndjson *file, const char **ret_line, size_t *ret_bytes)
{
    size_t seen = 0; /* so that a long line is searched once, not once for each read */

    file->line++;
    if (!file->_has_begun && !skip_byte_order_mark(file))
        return NDJSON_FAILED;
    for (;;) {
        size_t have = file->_end - file->_start;
        const char *data = file->_data + file->_start;
        const char *lf = have > seen ? memchr(data + seen, '\n', have - seen) : NULL;

        if (lf != NULL)
            return lend(file, (size_t)(lf - data), (size_t)(lf - data) + 1, ret_line, ret_bytes);
        if (file->_at_end && have == 0) {
            file->line--;
            return NDJSON_END;
        }
        if (file->_at_end)
            return lend(file, have, have, ret_line, ret_bytes);
        seen = have;
        if (!make_room(file))
            return skip(file);
        if (!fill(file))
            return NDJSON_FAILED;
    }
}

/* Reads until the mark is complete or can't be one: a line of one byte in a pipe must not wait. */
static bool skip_byte_order_mark(struct ndjson *file)
{
    while (file->_end < MARK_BYTES && !file->_at_end) {
        bool has_room = make_room(file);
        assert(has_room);
        if (!fill(file))
            return false;
        size_t have = file->_end < MARK_BYTES ? file->_end : MARK_BYTES;
        if (memcmp(file->_data, byte_order_mark, have) != 0)
            break;
        if (have == MARK_BYTES)
            file->_start = MARK_BYTES;
    }
    file->_has_begun = true;
    return true;
}

static enum ndjson_status lend(struct ndjson *file, size_t bytes, size_t with_end,
                               const char **ret_line, size_t *ret_bytes)
{
    const char *line = file->_data + file->_start;

    file->_start += with_end;
    if (bytes > 0 && line[bytes - 1] == '\r')
        bytes--;
    if (bytes > file->max_bytes)
        return NDJSON_TOO_LONG;
    *ret_line = line;
    *ret_bytes = bytes;
    return NDJSON_LINE;
}

/* False if the buffer is as large as it may be and full of one line. */
static bool make_room(struct ndjson *file)
{
    size_t have = file->_end - file->_start, limit = file->max_bytes + LINE_END_BYTES;

    if (have == limit)
        return false;
    if (file->_start > 0) {
        memmove(file->_data, file->_data + file->_start, have);
        file->_start = 0;
        file->_end = have;
    }
    if (file->_end < file->_capacity)
        return true;
    size_t capacity = file->_capacity == 0 ? FIRST_BYTES : 2 * file->_capacity;
    if (capacity > limit)
        capacity = limit;
    char *data = realloc(file->_data, capacity);
    if (data == NULL)
        abort();
    file->_data = data;
    file->_capacity = capacity;
    return true;
}

static bool fill(struct ndjson *file)
{
    ssize_t n;

    assert(file->_end < file->_capacity);
    do
        n = read(file->fd, file->_data + file->_end, file->_capacity - file->_end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return false;
    file->_at_end = n == 0;
    file->_end += (size_t)n;
    return true;
}

static enum ndjson_status skip(struct ndjson *file)
{
    const char *lf = NULL;

    while (lf == NULL && !file->_at_end) {
        file->_start = file->_end = 0;
        if (!fill(file))
            return NDJSON_FAILED;
        lf = memchr(file->_data, '\n', file->_end);
    }
    file->_start = lf != NULL ? (size_t)(lf - file->_data) + 1 : file->_end;
    return NDJSON_TOO_LONG;
}

bool ndjson_is_blank(const char *line, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}
