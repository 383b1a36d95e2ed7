/*     article_address_id --> (a slug) redirect_slug --> on_id --> 302     on_gone: at any time after */
#include "handlers/article_address.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/entity.h"
#include "db/query.h"
#include "db/row.h"
#include "handlers/article_ref.h"
#include "server/respond.h"
#include "server/service.h"

struct redirect {
    h2o_req_t *req;
    struct db_query query;
    struct article_ref ref; /* the query's parameter points into it */
    const char *suffix;
};

static void redirect_slug(h2o_req_t *req, const struct article_ref *ref, const char *suffix);
static db_query_done_fn on_id;
static void on_gone(void *redirect);

bool article_address_id(h2o_req_t *req, h2o_iovec_t segment, const char *suffix, int64_t *ret_id)
{
    struct article_ref ref = article_ref_parse(segment.base, segment.len);
    switch (ref.kind) {
    case ARTICLE_REF_ID:
        if (ref.id > ENTITY_MAX_ID) { /* no article has such an id */
            respond_problem(req, 404, "no-such-article", "There is no article with this id.");
            return false;
        }
        *ret_id = ref.id;
        return true;
    case ARTICLE_REF_SLUG:
        redirect_slug(req, &ref, suffix);
        return false;
    case ARTICLE_REF_INVALID:
        break;
    }
    respond_problem(req, 400, "bad-article-id",
                    "An article is named by its id, a positive number of 64 bits, or by its slug.");
    return false;
}

static void redirect_slug(h2o_req_t *req, const struct article_ref *ref, const char *suffix)
{
    struct redirect *redirect = h2o_mem_alloc_shared(&req->pool, sizeof(*redirect), on_gone);
    *redirect = (struct redirect){
        .req = req,
        .query = {.statement = DB_ARTICLE_BY_SLUG,
                  .params = {{.value = redirect->ref.slug}},
                  .nparams = 1,
                  .done = on_id},
        .ref = *ref,
        .suffix = suffix,
    };
    db_query_start(service_of(req)->pool, &redirect->query);
}

static void on_id(struct db_query *query)
{
    struct redirect *redirect = container_of(query, struct redirect, query);
    if (query->error != DB_OK) {
        respond_db_error(redirect->req, query->error, query->message);
        return;
    }
    if (query->nrows == 0) {
        respond_problem(redirect->req, 404, "no-such-article",
                        "There is no article with this slug.");
        return;
    }
    int64_t id = db_row_int64(query->result, query->row, 0);
    assert(query->nrows == 1 && id >= 1 && id <= ENTITY_MAX_ID);
    char location[64];
    int length =
        snprintf(location, sizeof(location), "/articles/%" PRId64 "%s", id, redirect->suffix);
    assert(length < (int)sizeof(location));
    respond_redirect(redirect->req, location);
}

static void on_gone(void *p)
{
    struct redirect *redirect = p;
    db_query_cancel(&redirect->query);
}
