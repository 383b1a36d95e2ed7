/* An article and its related list, looked up at the same time.
 *
 *     start --+--> on_article --> [small] on_document ------------------------------+
 *             |              \--> [large] fetch_large --> on_piece ... on_pieces ---+--> advance
 *             +--> on_related ------------------------------------------------------+
 *
 * advance() tells each part's waiters as soon as it can. The list never makes the article fail, and the
 * article waits for it for related_ms at most: on_related_late() then gives the waiters of the whole article
 * an answer without the list. The look-up goes on then, and its complete answer is kept.
 *
 * The document goes straight from the result into a segment, and so do the cards. Both answers are made of
 * these two segments:
 *
 *     document   {"article":{...},
 *     list                        {"related_articles":[{...},{...}]}
 *
 * The whole answer is the document and the list without its first byte; the list alone is the other
 * answer. */
#include "handlers/article.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/container_of.h"
#include "base/timer.h"
#include "db/query.h"
#include "handlers/article_address.h"
#include "handlers/article_row.h"
#include "server/log.h"
#include "server/resource.h"
#include "server/respond.h"
#include "server/service.h"

#define DOCUMENT_HEAD "{\"article\":"
#define DOCUMENT_TAIL ","
#define LIST_HEAD "{\"related_articles\":["
#define LIST_TAIL "]}"

enum { ABSENT_FOR_US = 10 * 1000 * 1000 };

struct article_lookup {
    struct lookup lookup;
    struct db_query article, large, related;
    struct timer related_late;   /* runs while a complete document waits for the list */
    struct timer large_late;     /* the deadline of a large document */
    struct timer soon;           /* calls advance() for waiters that joined late */
    size_t large_bytes;          /* of a large document, as article_by_id has said; else 0 */
    bool is_found;               /* the article is published */
    bool has_document;           /* all of it is in the segment */
    bool has_list;               /* in the segment, or it failed */
    enum db_error related_error; /* why there is no list */
    struct segment *document, *list;
    struct dependencies dependencies;
};

static void start(struct lookup *lookup);
static db_query_done_fn on_article;
static bool add_document(struct article_lookup *self, h2o_iovec_t text);
static void on_document(struct article_lookup *self);
static void fetch_large(struct article_lookup *self, uint64_t deadline_ms);
static db_query_row_fn on_piece;
static bool begin_document(struct article_lookup *self, size_t bytes);
static db_query_done_fn on_pieces;
static db_query_done_fn on_related;
static bool add_list(struct article_lookup *self, h2o_iovec_t cards);
static timer_fn on_related_late, on_large_late, on_soon;
static void advance(struct article_lookup *self);
static void tell_related(struct article_lookup *self);
static void tell_whole(struct article_lookup *self);
static struct answer *make_whole(const struct article_lookup *self);
static void end_without(struct article_lookup *self, enum answer_kind kind);
static void keep(struct article_lookup *self, enum article_part part, struct answer *answer);
static void on_joined(struct lookup *lookup);
static void cancel(struct lookup *lookup);
static void add_headers(h2o_req_t *req, const struct answer *answer);
static void log_related(const struct article_lookup *self, enum db_error error,
                        const char *message);

const struct resource article_resource = {
    .lookup_size = sizeof(struct article_lookup),
    .nparts = ARTICLE_NPARTS,
    .start = start,
    .on_joined = on_joined,
    .cancel = cancel,
    .add_headers = add_headers,
    .absent = {"no-such-article", "There is no article with this id."},
    .withdrawn = {"article-withdrawn", "This article was withdrawn."},
};
static_assert((int)ANSWER_ARTICLE_RELATED - (int)ANSWER_ARTICLE == ARTICLE_RELATED,
              "the keys of the parts follow each other");
static_assert(offsetof(struct article_lookup, lookup) == 0, "see struct resource");

struct answer_key article_key(int64_t id)
{
    return answer_key_of_id(ANSWER_ARTICLE, id);
}

void article_respond(h2o_req_t *req, h2o_iovec_t segment, const char *suffix,
                     enum article_part part)
{
    int64_t id;
    if (!article_address_id(req, segment, suffix, &id))
        return;
    struct answer_key key = article_key(id);
    resource_respond(req, &article_resource, &key, id, part);
}

static struct article_lookup *of(struct lookup *lookup)
{
    return container_of(lookup, struct article_lookup, lookup);
}

static void start(struct lookup *lookup)
{
    struct article_lookup *self = of(lookup);
    struct service *service = lookup->service;
    assert(lookup->id >= 1 && lookup->id <= ENTITY_MAX_ID);
    timer_init(&self->related_late, &service->loop, on_related_late);
    timer_init(&self->large_late, &service->loop, on_large_late);
    timer_init(&self->soon, &service->loop, on_soon);
    dependencies_add(&self->dependencies, entity_key(ENTITY_ARTICLE, lookup->id));

    self->article =
        (struct db_query){.statement = DB_ARTICLE_BY_ID, .id = lookup->id, .done = on_article};
    self->related =
        (struct db_query){.statement = DB_RELATED_BY_ID, .id = lookup->id, .done = on_related};
    db_query_start(service->pool, &self->article);
    db_query_start(service->pool, &self->related);
}

static const char no_memory[] =
    "the memory budget is in use (BROADSHEET_MEMORY_MB): clients read large answers too slowly";

static const char wrong_length[] = "the pieces of a large article are not as long as it should be";

static enum answer_kind answer_of(enum article_status status)
{
    assert(status != ARTICLE_PUBLISHED && status != ARTICLE_MARKED);
    return status == ARTICLE_WITHDRAWN ? ANSWER_WITHDRAWN : ANSWER_ABSENT;
}

static void on_article(struct db_query *article)
{
    struct article_lookup *self = container_of(article, struct article_lookup, article);
    if (article->error != DB_OK) {
        lookup_fail(&self->lookup, article->error, article->message);
        return;
    }
    if (article->nrows == 0) {
        end_without(self, ANSWER_ABSENT);
        return;
    }
    assert(article->nrows == 1 && !self->is_found);
    struct article_row row = article_row_read(article->result, article->row, &self->dependencies);
    if (row.status != ARTICLE_PUBLISHED && row.status != ARTICLE_MARKED) {
        end_without(self, answer_of(row.status));
        return;
    }
    self->is_found = row.status == ARTICLE_PUBLISHED;
    if (row.document.base == NULL) {
        assert(row.bytes > 0);
        uint64_t took_ms = (clock_us() - self->lookup.began_us) / 1000;
        uint64_t deadline_ms = self->lookup.service->deadline_ms;
        self->large_bytes = row.bytes;
        fetch_large(self, took_ms < deadline_ms ? deadline_ms - took_ms : 1);
    } else if (add_document(self, row.document)) {
        on_document(self);
    } else {
        lookup_fail(&self->lookup, DB_BUSY, no_memory);
    }
}

static size_t document_room(size_t bytes)
{
    return strlen(DOCUMENT_HEAD) + bytes + strlen(DOCUMENT_TAIL);
}

static bool add_document(struct article_lookup *self, h2o_iovec_t text)
{
    assert(self->document == NULL);
    self->document =
        segment_create(&self->lookup.service->process->memory, document_room(text.len));
    if (self->document == NULL)
        return false;
    segment_append(self->document, DOCUMENT_HEAD, strlen(DOCUMENT_HEAD));
    segment_append(self->document, text.base, text.len);
    return true;
}

static void on_document(struct article_lookup *self)
{
    assert(self->is_found && !self->has_document);
    segment_append(self->document, DOCUMENT_TAIL, strlen(DOCUMENT_TAIL));
    assert(self->document->length == self->document->room);
    self->has_document = true;
    timer_stop(&self->large_late);
    if (!self->has_list)
        timer_start(&self->related_late, self->lookup.service->related_ms);
    advance(self);
}

/* ---- a large document: in pieces, and only where a request wants it. A marked one: always, since only
 * large_article has its status. */

/* deadline_ms: of the request that wants it, what is left of it. */
static void fetch_large(struct article_lookup *self, uint64_t deadline_ms)
{
    struct service *service = self->lookup.service;
    assert(self->large_bytes > 0 && self->document == NULL);
    bool has_status = self->is_found; /* not that of a marked article */
    if (has_status && !lookup_was_asked(&self->lookup, ARTICLE_WHOLE)) {
        advance(self);
        return;
    }
    if (!begin_document(self, self->large_bytes)) {
        lookup_fail(&self->lookup, DB_BUSY, no_memory);
        return;
    }
    timer_start(&self->large_late, deadline_ms);
    self->large = (struct db_query){.statement = DB_LARGE_ARTICLE,
                                    .id = self->lookup.id,
                                    .on_row = on_piece,
                                    .done = on_pieces};
    db_query_start(service->pool, &self->large);
}

static bool begin_document(struct article_lookup *self, size_t bytes)
{
    if (self->document != NULL)
        h2o_mem_release_shared(self->document);
    struct memory *memory = &self->lookup.service->process->memory;
    self->large_bytes = bytes;
    self->document = bytes > ARTICLE_SMALL_MAX_BYTES
                         ? segment_create_large(memory, document_room(bytes))
                         : segment_create(memory, document_room(bytes));
    if (self->document == NULL)
        return false;
    segment_append(self->document, DOCUMENT_HEAD, strlen(DOCUMENT_HEAD));
    return true;
}

/* The article may have changed since its length was read. */
static void on_piece(struct db_query *large)
{
    struct article_lookup *self = container_of(large, struct article_lookup, large);
    assert(self->document != NULL && !self->has_document);
    bool is_first = self->document->length == strlen(DOCUMENT_HEAD);
    struct article_row row = large_article_row_read(large->result, large->row, &self->dependencies);
    if (row.status != ARTICLE_PUBLISHED) {
        end_without(self, answer_of(row.status));
        return;
    }
    self->is_found = true;
    if (is_first && row.bytes != self->large_bytes && !begin_document(self, row.bytes)) {
        lookup_fail(&self->lookup, DB_BUSY, no_memory);
        return;
    }
    size_t left = self->document->room - self->document->length - strlen(DOCUMENT_TAIL);
    if (row.document.len > left) {
        lookup_fail(&self->lookup, DB_FAILED, wrong_length);
        return;
    }
    segment_append(self->document, row.document.base, row.document.len);
}

static void on_pieces(struct db_query *large)
{
    struct article_lookup *self = container_of(large, struct article_lookup, large);
    if (large->error != DB_OK) {
        lookup_fail(&self->lookup, large->error, large->message);
        return;
    }
    if (large->nrows == 0)
        end_without(self, ANSWER_ABSENT);
    else if (self->document->length + strlen(DOCUMENT_TAIL) != self->document->room)
        lookup_fail(&self->lookup, DB_FAILED, wrong_length);
    else
        on_document(self);
}

static void on_large_late(struct timer *timer)
{
    struct article_lookup *self = container_of(timer, struct article_lookup, large_late);
    assert(!self->has_document);
    lookup_fail(&self->lookup, DB_TIMEOUT, "a large article did not come in time");
}

/* ---- the list */

static void on_related(struct db_query *related)
{
    struct article_lookup *self = container_of(related, struct article_lookup, related);
    const char *message = related->message;
    assert(!self->has_list);
    self->has_list = true;
    self->related_error = related->error;
    if (related->error == DB_OK &&
        !add_list(self, related_row_read(related->result, related->row, related->nrows,
                                         &self->dependencies))) {
        self->related_error = DB_BUSY;
        message = no_memory;
    }
    bool is_logged = self->lookup.goes_on && self->related_error == DB_TIMEOUT;
    if (self->related_error != DB_OK && !is_logged)
        log_related(self, self->related_error, message);
    advance(self);
}

static bool add_list(struct article_lookup *self, h2o_iovec_t cards)
{
    assert(self->list == NULL);
    self->list = segment_create(&self->lookup.service->process->memory,
                                strlen(LIST_HEAD) + cards.len + strlen(LIST_TAIL));
    if (self->list == NULL)
        return false;
    segment_append(self->list, LIST_HEAD, strlen(LIST_HEAD));
    segment_append(self->list, cards.base, cards.len);
    segment_append(self->list, LIST_TAIL, strlen(LIST_TAIL));
    return true;
}

/* The article is there, the list is not. */
static void on_related_late(struct timer *timer)
{
    struct article_lookup *self = container_of(timer, struct article_lookup, related_late);
    assert(self->has_document && !self->has_list);
    if (!lookup_has_waiters(&self->lookup, ARTICLE_WHOLE))
        return;
    self->lookup.goes_on = true;
    log_related(self, DB_TIMEOUT, NULL);
    self->related_error = DB_TIMEOUT;
    struct answer *answer = make_whole(self);
    lookup_tell(&self->lookup, ARTICLE_WHOLE, &(struct lookup_result){.answer = answer});
    h2o_mem_release_shared(answer);
}

/* ---- answers */

static void advance(struct article_lookup *self)
{
    if (!self->is_found || !self->has_list)
        return;
    assert((self->list != NULL) == (self->related_error == DB_OK));
    bool wants_whole = lookup_was_asked(&self->lookup, ARTICLE_WHOLE);
    bool is_over = self->has_document || !wants_whole;
    timer_stop(&self->related_late);
    if (is_over)
        lookup_close(&self->lookup);
    if (lookup_has_waiters(&self->lookup, ARTICLE_RELATED))
        tell_related(self);
    if (!is_over)
        return;
    if (wants_whole)
        tell_whole(self);
    lookup_end(&self->lookup);
}

/* Where the list is all that was asked for, a list that is missing is an error. */
static void tell_related(struct article_lookup *self)
{
    if (self->related_error != DB_OK) {
        lookup_tell(&self->lookup, ARTICLE_RELATED,
                    &(struct lookup_result){.error = self->related_error});
        return;
    }
    struct answer *answer = answer_create(
        &self->lookup.service->process->memory,
        &(struct answer_part){self->list, h2o_iovec_init(self->list->bytes, self->list->length)},
        1);
    keep(self, ARTICLE_RELATED, answer);
    lookup_tell(&self->lookup, ARTICLE_RELATED, &(struct lookup_result){.answer = answer});
    h2o_mem_release_shared(answer);
}

/* The answer is kept also where all waiters were told earlier, without the list. */
static void tell_whole(struct article_lookup *self)
{
    struct answer *answer = make_whole(self);
    if (answer->missing == DB_OK)
        keep(self, ARTICLE_WHOLE, answer);
    lookup_tell(&self->lookup, ARTICLE_WHOLE, &(struct lookup_result){.answer = answer});
    h2o_mem_release_shared(answer);
}

static struct answer *make_whole(const struct article_lookup *self)
{
    static const char no_list[] = "\"related_articles\":[]}";
    assert(self->has_document && (self->list != NULL || self->related_error != DB_OK));
    struct answer_part parts[ANSWER_MAX_PARTS] = {
        {self->document, h2o_iovec_init(self->document->bytes, self->document->length)},
        {NULL, h2o_iovec_init(no_list, strlen(no_list))},
    };
    if (self->list != NULL)
        parts[1] = (struct answer_part){
            self->list, h2o_iovec_init(self->list->bytes + 1, self->list->length - 1)};
    struct answer *answer =
        answer_create(&self->lookup.service->process->memory, parts, ANSWER_MAX_PARTS);
    answer->missing = self->list != NULL ? DB_OK : self->related_error;
    return answer;
}

/* The article is not there, and so its list is not. */
static void end_without(struct article_lookup *self, enum answer_kind kind)
{
    lookup_close(&self->lookup);
    for (enum article_part part = 0; part < ARTICLE_NPARTS; part++) {
        if (!lookup_has_waiters(&self->lookup, part))
            continue;
        struct answer *answer = answer_create_empty(kind);
        keep(self, part, answer);
        lookup_tell(&self->lookup, part, &(struct lookup_result){.answer = answer});
        h2o_mem_release_shared(answer);
    }
    lookup_end(&self->lookup);
}

/* The answer "not there" is kept for some seconds only, so that a client who tries many ids can use little
 * of the memory. */
static void keep(struct article_lookup *self, enum article_part part, struct answer *answer)
{
    struct lookup *lookup = &self->lookup;
    struct answer_key key = answer_key_of_part(lookup->key, part);
    if (answer->kind != ANSWER_OK)
        answer->stale_at_us = clock_us() + ABSENT_FOR_US;
    answer_cache_keep(&lookup->service->answers, &key, answer, &self->dependencies, lookup->since);
}

/* A waiter came late: for the list that is here already, or for a document that no request wanted so far. */
static void on_joined(struct lookup *lookup)
{
    struct article_lookup *self = of(lookup);
    bool wants_large =
        self->large_bytes > 0 && self->document == NULL && lookup_was_asked(lookup, ARTICLE_WHOLE);
    if (wants_large || (self->is_found && self->has_list))
        timer_start(&self->soon, 0);
    else if (self->has_document && !self->has_list && !timer_is_running(&self->related_late))
        timer_start(&self->related_late, lookup->service->related_ms);
}

static void on_soon(struct timer *timer)
{
    struct article_lookup *self = container_of(timer, struct article_lookup, soon);
    if (self->large_bytes > 0 && self->document == NULL)
        fetch_large(self, self->lookup.service->deadline_ms); /* somebody has just joined */
    else
        advance(self);
}

static void cancel(struct lookup *lookup)
{
    struct article_lookup *self = of(lookup);
    db_query_cancel(&self->article);
    db_query_cancel(&self->large);
    db_query_cancel(&self->related);
    timer_finish(&self->related_late);
    timer_finish(&self->large_late);
    timer_finish(&self->soon);
    if (self->document != NULL)
        h2o_mem_release_shared(self->document);
    if (self->list != NULL)
        h2o_mem_release_shared(self->list);
}

static const char *status_of(enum db_error error)
{
    return error == DB_OK ? "ok" : error == DB_TIMEOUT ? "timeout" : "unavailable";
}

static void add_headers(h2o_req_t *req, const struct answer *answer)
{
    respond_add_header(req, "related-status", status_of(answer->missing));
}

/* A client sees this in a header only, so the operator sees it here. */
static void log_related(const struct article_lookup *self, enum db_error error, const char *message)
{
    static _Thread_local struct log_limit limit;
    unsigned left_out;
    if (!log_may_repeat(&limit, &left_out))
        return;
    char id[24], not_logged[16];
    snprintf(id, sizeof(id), "%" PRId64, self->lookup.id);
    snprintf(not_logged, sizeof(not_logged), "%u", left_out);
    log_event(LOG_WARN, "related_failed", {"article", id}, {"related_status", status_of(error)},
              {"database", message}, {"not_logged", left_out > 0 ? not_logged : NULL});
}
