#include "server/respond.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "server/log.h"
#include "server/negotiate.h"
#include "server/service.h"

enum { MAX_RETRY_AFTER_S = 3 };

static void respond_not_modified(h2o_req_t *req);
static void respond_lent(h2o_req_t *req, const h2o_iovec_t *parts, size_t n);
static void log_error(h2o_req_t *req, const char *kind, const char *message);

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 302:
        return "Found";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 410:
        return "Gone";
    case 413:
        return "Content Too Large";
    case 417:
        return "Expectation Failed";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    }
    return "Error";
}

static void add(h2o_req_t *req, const h2o_token_t *name, const char *value)
{
    h2o_add_header(&req->pool, &req->res.headers, name, NULL, value, strlen(value));
}

void respond_add_header(h2o_req_t *req, const char *name, const char *value)
{
    h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 0, NULL, value,
                          strlen(value));
}

/* Sets the status and the headers that every answer has; type NULL: the answer has no body. */
static void begin(h2o_req_t *req, int status, const char *type)
{
    req->res.status = status;
    req->res.reason = reason_of(status);
    if (type != NULL)
        add(req, H2O_TOKEN_CONTENT_TYPE, type);
    if (req->conn->ctx->shutdown_requested)
        req->http1_is_persistent = 0;
}

/* Copies the body; for HEAD libh2o omits it and keeps its length. */
static void respond(h2o_req_t *req, int status, const char *type, const char *body, size_t length)
{
    begin(req, status, type);
    req->res.content_length = length;
    h2o_send_inline(req, body, length);
}

void respond_json(h2o_req_t *req, int status, json_object *body)
{
    size_t length;
    assert(body != NULL);
    const char *text = json_object_to_json_string_length(
        body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    respond(req, status, "application/json", text, length);
    json_object_put(body);
}

void respond_finished(h2o_req_t *req, const struct respond_finished *body, bool with_gzip)
{
    with_gzip = with_gzip && body->gzip.base != NULL;
    const char *name = with_gzip ? body->gzip_etag : body->etag;
    add(req, H2O_TOKEN_ETAG, name);
    add(req, H2O_TOKEN_VARY, "accept-encoding");
    if (negotiate_is_known(&req->headers, h2o_iovec_init(name, strlen(name)))) {
        respond_not_modified(req);
    } else if (with_gzip) {
        add(req, H2O_TOKEN_CONTENT_ENCODING, "gzip");
        respond_lent(req, &body->gzip, 1);
    } else {
        respond_lent(req, body->plain, body->nplain);
    }
}

static void respond_not_modified(h2o_req_t *req)
{
    begin(req, 304, NULL);
    h2o_send_inline(req, "", 0); /* without a length: the answer that is not sent has one */
}

static void respond_lent(h2o_req_t *req, const h2o_iovec_t *parts, size_t n)
{
    static h2o_generator_t generator;
    bool is_head = h2o_memis(req->input.method.base, req->input.method.len, H2O_STRLIT("HEAD"));

    begin(req, 200, "application/json");
    req->res.content_length = 0;
    for (size_t i = 0; i < n; i++)
        req->res.content_length += parts[i].len;
    h2o_start_response(req, &generator);
    h2o_send(req, (h2o_iovec_t *)parts, is_head ? 0 : n, H2O_SEND_STATE_FINAL);
}

void respond_text(h2o_req_t *req, int status, const char *type, h2o_iovec_t body)
{
    respond(req, status, type, body.base, body.len);
}

void respond_redirect(h2o_req_t *req, const char *location)
{
    assert(location[0] == '/');
    h2o_iovec_t copy = h2o_strdup(&req->pool, location, SIZE_MAX);
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_LOCATION, NULL, copy.base, copy.len);
    respond(req, 302, NULL, "", 0);
}

/* "no-such-article" is urn:broadsheet:problem:no-such-article, titled "No such article". */
static h2o_iovec_t problem_body(h2o_req_t *req, int status, const char *kind, const char *detail)
{
    char type[96], title[64];
    snprintf(type, sizeof(type), "urn:broadsheet:problem:%s", kind);
    snprintf(title, sizeof(title), "%s", kind);
    title[0] = (char)h2o_toupper(title[0]);
    for (char *c = title; *c != '\0'; c++) {
        if (*c == '-')
            *c = ' ';
    }
    /* The path may be any bytes; JSON is UTF-8. */
    size_t length = req->query_at < req->path.len ? req->query_at : req->path.len;
    h2o_iovec_t path = h2o_strdup(&req->pool, req->path.base, length < 500 ? length : 500);
    for (size_t i = 0; i < path.len; i++) {
        if ((unsigned char)path.base[i] < 0x21 || (unsigned char)path.base[i] > 0x7e)
            path.base[i] = '?';
    }
    json_object *body = json_object_new_object();
    json_object_object_add(body, "type", json_object_new_string(type));
    json_object_object_add(body, "title", json_object_new_string(title));
    json_object_object_add(body, "status", json_object_new_int(status));
    json_object_object_add(body, "detail", json_object_new_string(detail));
    json_object_object_add(body, "instance", json_object_new_string_len(path.base, (int)path.len));
    h2o_iovec_t copy =
        h2o_strdup(&req->pool,
                   json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN |
                                                            JSON_C_TO_STRING_NOSLASHESCAPE),
                   SIZE_MAX);
    json_object_put(body);
    return copy;
}

void respond_problem(h2o_req_t *req, int status, const char *kind, const char *detail)
{
    h2o_iovec_t body = problem_body(req, status, kind, detail);
    assert(status >= 400 && kind[0] != '\0');
    respond(req, status, "application/problem+json", body.base, body.len);
}

/* Retry-After differs from answer to answer, so that not all refused clients come back at the same time. */
static void add_retry_after(h2o_req_t *req)
{
    char *seconds = h2o_mem_alloc_pool(&req->pool, 16);
    snprintf(seconds, 16, "%u", 1 + arc4random_uniform(MAX_RETRY_AFTER_S));
    add(req, H2O_TOKEN_RETRY_AFTER, seconds);
}

void respond_db_error(h2o_req_t *req, enum db_error error, const char *message)
{
    int status = 503;
    const char *kind = "", *detail = "";

    switch (error) {
    case DB_OK:
        assert(!"an error");
        break;
    case DB_UNAVAILABLE:
        kind = "database-unavailable";
        detail = "The database can't be reached at the moment. Try again later.";
        break;
    case DB_BUSY:
        kind = "overloaded";
        detail = "The server has too much to do at the moment. Try again later.";
        break;
    case DB_TIMEOUT:
        status = 504;
        kind = "deadline-passed";
        detail = "The database did not answer in time.";
        break;
    case DB_FAILED:
        kind = "database-error";
        detail = "The database could not answer this request. Try again later.";
        break;
    }
    log_error(req, kind, message);
    if (status == 503) {
        respond_unavailable(req, kind, detail);
        return;
    }
    add(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    respond_problem(req, status, kind, detail);
}

static void log_error(h2o_req_t *req, const char *kind, const char *message)
{
    static _Thread_local struct log_limit limit;
    unsigned left_out;
    if (!log_may_repeat(&limit, &left_out))
        return;
    char not_logged[16];
    snprintf(not_logged, sizeof(not_logged), "%u", left_out);
    h2o_iovec_t path = h2o_strdup(&req->pool, req->path.base, req->path.len);
    log_event(LOG_WARN, "request_failed", {"problem", kind}, {"path", path.base},
              {"database", message}, {"not_logged", left_out > 0 ? not_logged : NULL});
}

void respond_unavailable(h2o_req_t *req, const char *kind, const char *detail)
{
    add_retry_after(req);
    add(req, H2O_TOKEN_CACHE_CONTROL, "no-store");
    respond_problem(req, 503, kind, detail);
}

/* Replaces the body by its own. */
struct problem_stream {
    h2o_ostream_t super;
    h2o_iovec_t body;
};

static void send_problem(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t nbufs,
                         h2o_send_state_t state)
{
    struct problem_stream *stream = container_of(self, struct problem_stream, super);
    if (nbufs > 0) { /* none for HEAD */
        bufs = &stream->body;
        nbufs = 1;
    }
    h2o_ostream_send_next(&stream->super, req, bufs, nbufs, state);
}

static void on_setup(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    (void)self;
    ssize_t type = h2o_find_header(&req->res.headers, H2O_TOKEN_CONTENT_TYPE, -1);
    if (req->res.status >= 400 && type != -1 &&
        h2o_memis(req->res.headers.entries[type].value.base, strlen("text/plain"),
                  H2O_STRLIT("text/plain"))) {
        bool is_too_large = req->res.status == 413;
        h2o_iovec_t body = problem_body(
            req, req->res.status, is_too_large ? "content-too-large" : "bad-request",
            is_too_large ? "The request's body is larger than this server takes."
                         : "HTTP/1.1 does not allow the headers or the body of this request.");
        req->res.headers.entries[type].value =
            h2o_iovec_init(H2O_STRLIT("application/problem+json"));
        req->res.content_length = body.len;
        struct problem_stream *stream =
            (struct problem_stream *)h2o_add_ostream(req, sizeof(*stream), slot);
        metrics_count_request(&service_of(req)->metrics, METRICS_OTHER_ROUTE, req->res.status, 0);
        stream->super.do_send = send_problem;
        stream->body = body;
        slot = &stream->super.next;
    }
    h2o_setup_next_ostream(req, slot);
}

void respond_register_problem_filter(h2o_pathconf_t *path)
{
    h2o_create_filter(path, sizeof(h2o_filter_t))->on_setup_ostream = on_setup;
}
