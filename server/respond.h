/* server/respond.h - every way to answer a request.
 *
 * To respond is the last thing that is done to a request: afterwards it may be gone, and with it all
 * that its pool held. */
#ifndef SERVER_RESPOND_H
#define SERVER_RESPOND_H

#include <h2o.h>
#include <json-c/json.h>

#include "db/error.h"

/* Headers that the caller of any of these added to req->res.headers before go out with the answer. */

/* Takes body. */
void respond_json(h2o_req_t *req, int status, json_object *body);

/* A 200 whose body is lent until the request is gone, and is not copied. */
void respond_json_lent(h2o_req_t *req, h2o_iovec_t body);

/* 304; the caller has added the headers that name what the client has. */
void respond_not_modified(h2o_req_t *req);

/* body is copied; type is static text. */
void respond_text(h2o_req_t *req, int status, const char *type, h2o_iovec_t body);

/* location: lent for the call. */
void respond_redirect(h2o_req_t *req, const char *location);

/* An error as RFC 9457 has it. kind: what went wrong as a name in kebab-case, the stable part of
 * `type`; detail: words for a person, lent for the call. Both are escaped as JSON needs it. */
void respond_problem(h2o_req_t *req, int status, const char *kind, const char *detail);

/* A problem with status 503 and Retry-After: 1 to 3 s, another for each answer. */
void respond_unavailable(h2o_req_t *req, const char *kind, const char *detail);

/* A query that did not end well: 503 with Retry-After, or 504. Logs it, with what the server said
 * (message, may be NULL; lent). */
void respond_db_error(h2o_req_t *req, enum db_error error, const char *message);

/* Adds a header. name: in lower case, static like `value`. */
void respond_add_header(h2o_req_t *req, const char *name, const char *value);

/* libh2o answers some faults by itself, before any handler runs, in plain text (a body that is too
 * large, a broken Content-Length). Registers what makes problem+json of those. */
void respond_register_problem_filter(h2o_pathconf_t *path);

#endif
