/* server/respond.h - all functions that answer a request.
 *
 * They are the last call on a request: after it, the request and the memory of its pool may be gone. */
#ifndef SERVER_RESPOND_H
#define SERVER_RESPOND_H

#include <h2o.h>
#include <json-c/json.h>
#include <stdbool.h>

#include "db/error.h"

/* Headers that the caller added to req->res.headers before go out with the answer. */

/* Takes body. */
void respond_json(h2o_req_t *req, int status, json_object *body);

/* A finished JSON body: plain, in parts, and perhaps compressed. etag: text with its quotes; each form has its own.
 * All is lent until the request is gone, except the struct and the list of parts. */
struct respond_finished {
    const h2o_iovec_t *plain;
    size_t nplain;
    const char *etag;
    h2o_iovec_t gzip; /* base NULL: there is none */
    const char *gzip_etag;
};

/* 200 with the body, or 304 where the client has it (If-None-Match). Nothing is copied. with_gzip: the client
 * prefers that. */
void respond_finished(h2o_req_t *req, const struct respond_finished *body, bool with_gzip);

/* body is copied; type is static text. */
void respond_text(h2o_req_t *req, int status, const char *type, h2o_iovec_t body);

/* location: lent for the call. */
void respond_redirect(h2o_req_t *req, const char *location);

/* An error in the form of RFC 9457. kind: a stable name in kebab-case, a part of `type`. detail: a sentence
 * for a person, lent for the call. Both are escaped for JSON. */
void respond_problem(h2o_req_t *req, int status, const char *kind, const char *detail);

/* A problem with status 503 and Retry-After: 1 to 3 s, at random. */
void respond_unavailable(h2o_req_t *req, const char *kind, const char *detail);

/* A query that failed: 503 with Retry-After, or 504. Logs it, with the server's message (may be NULL; lent). */
void respond_db_error(h2o_req_t *req, enum db_error error, const char *message);

/* Adds a header. name: in lower case, static like `value`. */
void respond_add_header(h2o_req_t *req, const char *name, const char *value);

/* libh2o answers some faults by itself, before a handler runs, in plain text (a body that is too large, a
 * broken Content-Length). Registers a filter that makes problem+json of these answers. */
void respond_register_problem_filter(h2o_pathconf_t *path);

#endif
