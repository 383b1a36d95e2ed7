/* base/gzip.h - compresses finished bytes at once (RFC 1952).
 *
 * Each thread that compresses keeps a compressor of half a megabyte, until gzip_finish_thread(). */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

/* Is it worth it? A body of less than a kilobyte and its headers are one packet anyway. One of more than 512 KiB
 * would hold a loop for too long. */
bool gzip_is_useful(size_t length);

/* The compressed form of so many bytes is never longer. */
size_t gzip_most(size_t length);

/* Returns malloc'ed bytes. most: gzip_most(length). */
char *gzip_compress(const char *bytes, size_t length, size_t most, size_t *ret_length);

void gzip_finish_thread(void);

#endif
