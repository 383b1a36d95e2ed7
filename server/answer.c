#include "server/answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/gzip.h"
#include "server/respond.h"

static_assert(sizeof(struct answer) <= SEGMENT_ANSWER_BYTES, "a segment reserves it");

static void on_unused(void *answer);
static h2o_iovec_t compress(const struct answer *answer, size_t most);
static const char *contiguous(const struct answer *answer, char **ret_copy);

struct answer *answer_create(struct memory *memory, const struct answer_part *parts, unsigned n)
{
    assert(n >= 1 && n <= ANSWER_MAX_PARTS && parts[0].segment != NULL);
    assert(parts[0].bytes.len == parts[0].segment->length);
    struct answer *answer = h2o_mem_alloc_shared(NULL, sizeof(*answer), on_unused);
    *answer = (struct answer){.kind = ANSWER_OK, .nparts = n, ._memory = memory};
    for (unsigned i = 0; i < n; i++) {
        answer->parts[i] = parts[i];
        answer->length += parts[i].bytes.len;
        if (parts[i].segment != NULL)
            h2o_mem_addref_shared(parts[i].segment);
    }
    answer_name(answer->etag,
                segment_hash(parts[0].segment, n > 1 ? parts[1].bytes : (h2o_iovec_t){NULL, 0}),
                "");
    return answer;
}

void answer_name(char etag[ANSWER_ETAG_SIZE], uint64_t hash, const char *suffix)
{
    snprintf(etag, ANSWER_ETAG_SIZE, "\"%016llx%s\"", (unsigned long long)hash, suffix);
}

struct answer *answer_create_copy(struct memory *memory, const h2o_iovec_t *parts, size_t n)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++)
        length += parts[i].len;
    struct segment *segment = segment_create(memory, length);
    if (segment == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        segment_append(segment, parts[i].base, parts[i].len);
    struct answer *answer = answer_create(
        memory, &(struct answer_part){segment, h2o_iovec_init(segment->bytes, length)}, 1);
    h2o_mem_release_shared(segment);
    return answer;
}

struct answer *answer_create_empty(enum answer_kind kind)
{
    assert(kind != ANSWER_OK);
    struct answer *answer = h2o_mem_alloc_shared(NULL, sizeof(*answer), on_unused);
    *answer = (struct answer){.kind = kind};
    return answer;
}

static void on_unused(void *p)
{
    struct answer *answer = p;
    assert(!answer->is_in_cache);
    if (answer->gzip.base != NULL)
        memory_release(answer->_memory, memory_cost(answer->gzip.len));
    free(answer->gzip.base);
    free(answer->key.text.base);
    for (unsigned i = 0; i < answer->nparts; i++) {
        if (answer->parts[i].segment != NULL)
            h2o_mem_release_shared(answer->parts[i].segment);
    }
}

size_t answer_memory(const struct answer *answer)
{
    size_t bytes = memory_cost(sizeof(struct st_h2o_mem_pool_shared_entry_t) + sizeof(*answer));
    for (unsigned i = 0; i < answer->nparts; i++) {
        if (answer->parts[i].segment != NULL)
            bytes += segment_memory(answer->parts[i].segment);
    }
    if (answer->key.text.len > 0)
        bytes += memory_cost(answer->key.text.len);
    return bytes + (answer->gzip.base != NULL ? memory_cost(answer->gzip.len) : 0);
}

void answer_enter_cache(struct answer *answer)
{
    assert(!answer->is_in_cache);
    answer->is_in_cache = true;
    for (unsigned i = 0; i < answer->nparts; i++) {
        if (answer->parts[i].segment != NULL)
            segment_enter_cache(answer->parts[i].segment);
    }
    if (answer->gzip.base != NULL)
        memory_release(answer->_memory, memory_cost(answer->gzip.len));
}

void answer_leave_cache(struct answer *answer)
{
    assert(answer->is_in_cache);
    answer->is_in_cache = false;
    for (unsigned i = 0; i < answer->nparts; i++) {
        if (answer->parts[i].segment != NULL)
            segment_leave_cache(answer->parts[i].segment);
    }
    if (answer->gzip.base != NULL)
        memory_reserve_anyway(answer->_memory, memory_cost(answer->gzip.len));
}

/* ---- gzip */

size_t answer_compress(struct answer *answer)
{
    if (answer->gzip.base != NULL || !gzip_is_useful(answer->length))
        return 0;
    /* The reservation comes first: without room, the many requests that wait for an answer would compress it
     * again and again, in vain. */
    size_t most = gzip_most(answer->length);
    if (!answer->is_in_cache && !memory_reserve(answer->_memory, memory_cost(most)))
        return 0;
    answer->gzip = compress(answer, most);
    answer_name(answer->gzip_etag, segment_hash_of(answer->gzip), "-gz");
    if (!answer->is_in_cache)
        memory_release(answer->_memory, memory_cost(most) - memory_cost(answer->gzip.len));
    return memory_cost(answer->gzip.len);
}

static h2o_iovec_t compress(const struct answer *answer, size_t most)
{
    char *copy;
    h2o_iovec_t gzip;
    const char *plain = contiguous(answer, &copy);
    gzip.base = gzip_compress(plain, answer->length, most, &gzip.len);
    free(copy);
    return gzip;
}

/* The plain bytes in one piece: a copy where there are two parts. */
static const char *contiguous(const struct answer *answer, char **ret_copy)
{
    *ret_copy = NULL;
    if (answer->nparts == 1)
        return answer->parts[0].bytes.base;
    char *to = *ret_copy = h2o_mem_alloc(answer->length);
    for (unsigned i = 0; i < answer->nparts; i++) {
        memcpy(to, answer->parts[i].bytes.base, answer->parts[i].bytes.len);
        to += answer->parts[i].bytes.len;
    }
    return *ret_copy;
}

void answer_respond(struct answer *answer, h2o_req_t *req, bool with_gzip)
{
    assert(answer->kind == ANSWER_OK && answer->nparts >= 1);
    h2o_iovec_t plain[ANSWER_MAX_PARTS];
    for (unsigned i = 0; i < answer->nparts; i++)
        plain[i] = answer->parts[i].bytes;
    h2o_mem_link_shared(&req->pool, answer);
    respond_finished(req,
                     &(struct respond_finished){.plain = plain,
                                                .nplain = answer->nparts,
                                                .etag = answer->etag,
                                                .gzip = answer->gzip,
                                                .gzip_etag = answer->gzip_etag},
                     with_gzip);
}
