/* import/ndjson.h - the lines of a file, one at a time.
 *
 * Memory: one buffer that grows to the longest line so far, at most to max_bytes. A longer line is
 *         skipped and never held as a whole.
 * Lines:  end with LF or CR LF; the last one may have no end. The end is no part of the line. A UTF-8
 *         byte order mark before the first line is skipped. */
#ifndef IMPORT_NDJSON_H
#define IMPORT_NDJSON_H

#include <stdbool.h>
#include <stddef.h>

enum ndjson_status {
    NDJSON_LINE,
    NDJSON_TOO_LONG, /* a line of more than max_bytes was skipped */
    NDJSON_END,
    NDJSON_FAILED, /* read(2) failed: errno says why */
};

struct ndjson {
    int fd; /* the caller's: not opened and not closed here */
    size_t max_bytes;
    unsigned long line; /* the number of the line last returned, from 1 */

    char *_data;
    size_t _capacity, _start, _end;
    bool _has_begun, _at_end;
};

void ndjson_init(struct ndjson *file, int fd, size_t max_bytes);
void ndjson_finish(struct ndjson *file);

/* Blocks in read(2). With NDJSON_LINE, *ret_line has *ret_bytes bytes and no NUL after them. They are
 * borrowed until the next call. */
enum ndjson_status ndjson_next(struct ndjson *file, const char **ret_line, size_t *ret_bytes);

/* True for a line that is empty or has only spaces, tabs and CRs. */
bool ndjson_is_blank(const char *line, size_t bytes);

#endif
