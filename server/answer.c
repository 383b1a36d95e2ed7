#include "server/answer.h"

#include <libdeflate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "server/negotiate.h"
#include "server/respond.h"

/* Under a kilobyte an answer and its headers are one packet anyway. The first level is within 3 % of
 * the sixth in size, for half of its time. */
enum { GZIP_MIN_BYTES = 1024, GZIP_LEVEL = 1 };

static void name(char etag[ANSWER_ETAG_SIZE], const char *bytes, size_t length, const char *suffix);
static void on_unused(void *answer);

struct answer *answer_create(const h2o_iovec_t *parts, size_t nparts)
{
    size_t length = 0;
    for (size_t i = 0; i < nparts; i++)
        length += parts[i].len;

    struct answer *answer = h2o_mem_alloc_shared(NULL, sizeof(*answer) + length, on_unused);
    *answer = (struct answer){.kind = ANSWER_OK, .length = length};
    char *to = answer->bytes;
    for (size_t i = 0; i < nparts; i++) {
        if (parts[i].len > 0) /* base may be NULL */
            to = (char *)memcpy(to, parts[i].base, parts[i].len) + parts[i].len;
    }
    name(answer->etag, answer->bytes, length, "");
    return answer;
}

/* The same bytes have the same name on every server and after every restart. */
static void name(char etag[ANSWER_ETAG_SIZE], const char *bytes, size_t length, const char *suffix)
{
    snprintf(etag, ANSWER_ETAG_SIZE, "\"%016llx%s\"",
             (unsigned long long)XXH3_64bits(bytes, length), suffix);
}

struct answer *answer_create_empty(enum answer_kind kind)
{
    struct answer *answer = h2o_mem_alloc_shared(NULL, sizeof(*answer), on_unused);
    *answer = (struct answer){.kind = kind};
    return answer;
}

static void on_unused(void *p)
{
    struct answer *answer = p;
    free(answer->gzip.base);
}

/* What the allocator adds: its own header, and the round to its next size. */
static size_t allocated(size_t bytes)
{
    return (bytes + 8 + 15) / 16 * 16;
}

size_t answer_memory(const struct answer *answer)
{
    size_t counted = sizeof(struct st_h2o_mem_pool_shared_entry_t);
    return allocated(counted + sizeof(*answer) + answer->length) +
           (answer->gzip.base != NULL ? allocated(answer->gzip.len) : 0);
}

static _Thread_local struct libdeflate_compressor *compressor; /* half a megabyte, so it is kept */

void answer_finish_thread(void)
{
    libdeflate_free_compressor(compressor);
    compressor = NULL;
}

size_t answer_compress(struct answer *answer)
{
    if (answer->gzip.base != NULL || answer->length < GZIP_MIN_BYTES)
        return 0;
    if (compressor == NULL)
        compressor = libdeflate_alloc_compressor(GZIP_LEVEL);

    size_t most = libdeflate_gzip_compress_bound(compressor, answer->length);
    char *to = h2o_mem_alloc(most);
    size_t length = libdeflate_gzip_compress(compressor, answer->bytes, answer->length, to, most);
    answer->gzip = h2o_iovec_init(h2o_mem_realloc(to, length), length);
    name(answer->gzip_etag, answer->gzip.base, length, "-gz");
    return allocated(length);
}

void answer_respond(struct answer *answer, h2o_req_t *req, bool with_gzip)
{
    with_gzip = with_gzip && answer->gzip.base != NULL;
    h2o_mem_link_shared(&req->pool, answer);

    char *name_sent = with_gzip ? answer->gzip_etag : answer->etag;
    h2o_iovec_t etag = h2o_iovec_init(name_sent, strlen(name_sent));
    h2o_headers_t *headers = &req->res.headers;
    h2o_add_header(&req->pool, headers, H2O_TOKEN_ETAG, NULL, etag.base, etag.len);
    h2o_add_header(&req->pool, headers, H2O_TOKEN_VARY, NULL, H2O_STRLIT("accept-encoding"));
    if (negotiate_is_known(&req->headers, etag)) {
        respond_not_modified(req);
        return;
    }
    if (with_gzip)
        h2o_add_header(&req->pool, headers, H2O_TOKEN_CONTENT_ENCODING, NULL, H2O_STRLIT("gzip"));
    respond_json_lent(req,
                      with_gzip ? answer->gzip : h2o_iovec_init(answer->bytes, answer->length));
}
