/* server/answer.h - a finished answer: its bytes, plain and compressed, and the entity tags of both.
 *
 * It is made once and sent many times, from memory, without a copy. One thread. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include <h2o.h>

#include "cache/cache.h"
#include "db/error.h"
#include "server/answer_key.h"
#include "server/segment.h"

enum {
    ANSWER_ETAG_SIZE = 24, /* "0123456789abcdef-gz" with its quotes, and a NUL */
    ANSWER_MAX_PARTS = 2,
};

enum answer_kind {
    ANSWER_OK,
    ANSWER_ABSENT,    /* nothing is at this address */
    ANSWER_WITHDRAWN, /* nothing is there any more */
};

/* The bytes of an answer are parts of segments, or static text (segment NULL). */
struct answer_part {
    struct segment *segment;
    h2o_iovec_t bytes;
};

/* Reference counted: h2o_mem_addref_shared() and h2o_mem_release_shared(). */
struct answer {
    struct cache_item item; /* for server/answer_cache.c, like the next three */
    struct answer_key key;
    uint64_t stale_at_us; /* clock_us(): it is not shown from then on; 0: it has no such end */
    bool is_in_cache;
    enum answer_kind kind;
    enum db_error missing; /* DB_OK: the answer is complete; else why a part of it is missing */
    size_t length;         /* of the plain bytes */
    unsigned nparts;
    struct answer_part parts[ANSWER_MAX_PARTS];
    h2o_iovec_t gzip;                                         /* base NULL: not compressed so far */
    char etag[ANSWER_ETAG_SIZE], gzip_etag[ANSWER_ETAG_SIZE]; /* text, with its quotes */
    struct memory *_memory;
};

/* Makes the entity tag of bytes with this hash (segment_hash_of()). suffix: "", or "-gz". The same bytes have the same
 * tag on every server and after every restart. */
void answer_name(char etag[ANSWER_ETAG_SIZE], uint64_t hash, const char *suffix);

/* The caller owns one reference. The answer takes a reference of its own to each segment; the first part
 * is a whole segment. */
struct answer *answer_create(struct memory *memory, const struct answer_part *parts, unsigned n);

/* An answer with a copy of these bytes. NULL: the budget has no room. */
struct answer *answer_create_copy(struct memory *memory, const h2o_iovec_t *parts, size_t n);

/* An answer of a kind that has no bytes. */
struct answer *answer_create_empty(enum answer_kind kind);

/* All that it costs in memory now. */
size_t answer_memory(const struct answer *answer);

/* Compresses it, where that is useful, possible within the budget, and not done yet. Returns how many
 * bytes it costs in addition. */
size_t answer_compress(struct answer *answer);

/* It came into the cache, or left it: the cache counts its memory, or the budget does. */
void answer_enter_cache(struct answer *answer);
void answer_leave_cache(struct answer *answer);

/* Answers the request with an ANSWER_OK, in the coding that the client likes best: 200, or 304. Headers
 * that the caller added go out with it. The request takes a reference of its own. */
void answer_respond(struct answer *answer, h2o_req_t *req, bool with_gzip);

#endif
