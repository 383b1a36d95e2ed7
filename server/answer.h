/* server/answer.h - a finished answer: the bytes, as they are and compressed, and what names them.
 *
 * It is made once and sent many times, from memory, without a copy. One thread. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <h2o.h>

#include "cache/cache.h"
#include "db/error.h"

enum { ANSWER_ETAG_SIZE = 24 }; /* "0123456789abcdef-gz" with its quotes, and a NUL */

/* What there is to say at an address. */
enum answer_kind {
    ANSWER_OK,
    ANSWER_ABSENT,    /* nothing is there */
    ANSWER_WITHDRAWN, /* nothing is there any more */
};

/* Reference counted: h2o_mem_addref_shared() and h2o_mem_release_shared(). */
struct answer {
    struct cache_item item; /* for server/answer_cache.c */
    uint64_t stale_at_us;   /* monotonic; for those that may be kept for some time only, else 0 */
    bool is_kept;           /* in the store; its business */
    enum answer_kind kind;
    enum db_error related_error; /* DB_OK: the related list is what it should be */
    size_t length;               /* of the bytes as they are */
    h2o_iovec_t gzip;            /* base NULL: not compressed so far */
    char etag[ANSWER_ETAG_SIZE], gzip_etag[ANSWER_ETAG_SIZE]; /* text, with its quotes */
    char bytes[];
};

/* The caller owns one reference. parts: copied, one behind the other. */
struct answer *answer_create(const h2o_iovec_t *parts, size_t nparts);

/* One of a kind that has no bytes. */
struct answer *answer_create_empty(enum answer_kind kind);

/* All that it costs in memory now. */
size_t answer_memory(const struct answer *answer);

/* Compresses it, if that has not been done and is worth it; what it costs more in memory. */
size_t answer_compress(struct answer *answer);

/* Frees what the calling thread keeps for that; compressing again makes it anew. */
void answer_finish_thread(void);

/* Answers the request with an ANSWER_OK, in the coding that the client likes best: 200, or 304. Headers
 * that the caller added go out with it. The request takes a reference of its own. */
void answer_respond(struct answer *answer, h2o_req_t *req, bool with_gzip);

#endif
