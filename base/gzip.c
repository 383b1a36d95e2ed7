#include "base/gzip.h"

#include <assert.h>
#include <h2o.h>
#include <libdeflate.h>

/* The first level is within 3 % of the sixth in size, in half of its time. */
enum { MIN_BYTES = 1024, MAX_BYTES = 512 << 10, LEVEL = 1 };

static struct libdeflate_compressor *compressor(void);

static _Thread_local struct libdeflate_compressor *kept;

bool gzip_is_useful(size_t length)
{
    return length >= MIN_BYTES && length <= MAX_BYTES;
}

size_t gzip_most(size_t length)
{
    return libdeflate_gzip_compress_bound(compressor(), length);
}

static struct libdeflate_compressor *compressor(void)
{
    if (kept == NULL)
        kept = libdeflate_alloc_compressor(LEVEL);
    assert(kept != NULL);
    return kept;
}

char *gzip_compress(const char *bytes, size_t length, size_t most, size_t *ret_length)
{
    char *to = h2o_mem_alloc(most);
    size_t compressed = libdeflate_gzip_compress(compressor(), bytes, length, to, most);
    assert(compressed > 0 && compressed <= most);
    *ret_length = compressed;
    return h2o_mem_realloc(to, compressed);
}

void gzip_finish_thread(void)
{
    libdeflate_free_compressor(kept);
    kept = NULL;
}
