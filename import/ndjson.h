/* import/ndjson.h - the lines of a file, one at a time.
 *
 * Memory: one buffer that grows to the longest line seen, to max_bytes at most. A line beyond that
 *         is skipped without being held.
 * Lines:  end with LF or CR LF, the last one with or without; the end is no part of the line. */
#ifndef IMPORT_NDJSON_H
#define IMPORT_NDJSON_H

#include <stdbool.h>
#include <stddef.h>

enum ndjson_status {
    NDJSON_LINE,
    NDJSON_TOO_LONG, /* a line of more than max_bytes has been passed over */
    NDJSON_END,
    NDJSON_FAILED, /* read(2) failed: errno says why */
};

struct ndjson {
    int fd; /* the caller's: neither opened nor closed here */
    size_t max_bytes;
    unsigned long line; /* the number of the line last returned, from 1 */

    char *_data;
    size_t _capacity, _start, _end;
    bool _at_end;
};

void ndjson_init(struct ndjson *file, int fd, size_t max_bytes);
void ndjson_finish(struct ndjson *file);

/* Blocks in read(2). On NDJSON_LINE *ret_line holds *ret_bytes bytes without a NUL behind them, lent
 * until the next call. */
enum ndjson_status ndjson_next(struct ndjson *file, const char **ret_line, size_t *ret_bytes);

#endif
