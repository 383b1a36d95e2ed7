/* The headers Accept-Encoding and If-None-Match (server/negotiate.h).
 *
 * Each line of the input is a header. Several headers mean the same as one header with commas
 * between their values. */
#include <stdbool.h>
#include <string.h>

#include "server/negotiate.h"
#include "tests/fuzz/fuzz.h"

enum { MAX_HEADERS = 16 };

static bool wants_gzip(h2o_mem_pool_t *pool, const h2o_iovec_t *values, size_t n);
static bool knows(h2o_mem_pool_t *pool, h2o_iovec_t value, const char *etag);
static bool has_letters_of(h2o_iovec_t text, const char *letters);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    h2o_mem_pool_t pool;
    h2o_iovec_t values[MAX_HEADERS], all = {.base = malloc(size + 1), .len = size};
    size_t n = 0;
    fuzz_check(all.base != NULL);
    memcpy(all.base, data, size);
    h2o_mem_init_pool(&pool);
    for (char *at = all.base, *end = at + size; n < MAX_HEADERS && at <= end;) {
        char *lf = n + 1 < MAX_HEADERS ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        values[n++] = h2o_iovec_init(at, (size_t)((lf != NULL ? lf : end) - at));
        at = lf != NULL ? lf + 1 : end + 1;
    }
    bool is_wanted = wants_gzip(&pool, values, n);
    fuzz_check(!is_wanted || has_letters_of(all, "gG") || has_letters_of(all, "*"));

    const char *etag = "\"0123456789abcdef\"";
    bool is_known = knows(&pool, all, etag);
    fuzz_check(!is_known || has_letters_of(all, "*") ||
               memmem(all.base, all.len, etag, strlen(etag)) != NULL);

    for (size_t i = 1; i < n; i++)
        values[i].base[-1] = ','; /* for the line feed */
    fuzz_check(wants_gzip(&pool, &all, 1) == is_wanted);
    h2o_mem_clear_pool(&pool);
    free(all.base);
    return 0;
}

static bool wants_gzip(h2o_mem_pool_t *pool, const h2o_iovec_t *values, size_t n)
{
    h2o_headers_t headers = {0};
    for (size_t i = 0; i < n; i++)
        h2o_add_header(pool, &headers, H2O_TOKEN_ACCEPT_ENCODING, NULL, values[i].base,
                       values[i].len);
    return negotiate_gzip(&headers);
}

static bool knows(h2o_mem_pool_t *pool, h2o_iovec_t value, const char *etag)
{
    h2o_headers_t headers = {0};
    h2o_add_header(pool, &headers, H2O_TOKEN_IF_NONE_MATCH, NULL, value.base, value.len);
    return negotiate_is_known(&headers, h2o_iovec_init(etag, strlen(etag)));
}

static bool has_letters_of(h2o_iovec_t text, const char *letters)
{
    for (; *letters != '\0'; letters++)
        if (memchr(text.base, *letters, text.len) != NULL)
            return true;
    return false;
}
