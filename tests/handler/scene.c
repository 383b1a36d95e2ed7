#include "tests/handler/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/entity.h"

enum { MAX_STALE_MS = 60 * 1000, NCARDS = 2 };

struct answer_cache *scene_cache(size_t max_bytes)
{
    struct answer_cache *answers = &client_service()->answers;
    answer_cache_finish(answers);
    answer_cache_init(answers, max_bytes, MAX_STALE_MS);
    answer_cache_on_news(answers, &(struct db_change_feed_news){.confirmed_at_us = clock_us()});
    return answers;
}

static void give_news(struct db_change_feed_news news)
{
    news.server = "";
    news.confirmed_at_us = clock_us();
    answer_cache_on_news(&client_service()->answers, &news);
}

void scene_entity_changed(uint64_t key)
{
    give_news((struct db_change_feed_news){.keys = &key, .n = 1});
}

void scene_article_changed(int64_t id)
{
    scene_entity_changed(entity_key(ENTITY_ARTICLE, id));
}

void scene_everything_changed(void)
{
    give_news((struct db_change_feed_news){.everything = true});
}

void scene_changes_unreliable(const char *why)
{
    struct service *service = client_service();
    snprintf(service->unreliable, sizeof(service->unreliable), "%s", why != NULL ? why : "");
    give_news((struct db_change_feed_news){.unreliable = why});
}

static void answer_both(struct db_query *article, struct db_query *related, int64_t id, int version)
{
    cr_assert_eq(article->id, id);
    cr_assert_eq(related->id, id);
    fake_db_answer(article, fake_version(id, version, SCENE_ARTICLE_BYTES));
    fake_db_answer(related, fake_cards(id, SCENE_CARD, NCARDS));
}

void scene_answer(int64_t id, int version)
{
    answer_both(fake_db_waiting(DB_ARTICLE_BY_ID), fake_db_waiting(DB_RELATED_BY_ID), id, version);
}

void scene_answer_newest(int64_t id, int version)
{
    answer_both(fake_db_newest(DB_ARTICLE_BY_ID), fake_db_newest(DB_RELATED_BY_ID), id, version);
}

int scene_version(struct client *client)
{
    struct reply reply = client_answer(client);
    cr_assert_eq(reply.status, 200);
    const char *version = strstr(reply.body, "\"version\":");
    cr_assert_not_null(version, "%s", reply.body);
    return (int)strtol(version + strlen("\"version\":"), NULL, 10);
}

static void get(struct client *client, const char *path, const char *headers)
{
    char request[128];
    snprintf(request, sizeof(request), "GET %s", path);
    client_send(client, request, headers);
}

struct reply scene_kept(struct client *client, const char *path, const char *headers)
{
    size_t before = fake_db_nwaiting();
    get(client, path, headers);
    cr_assert_eq(fake_db_nwaiting(), before, "%s was looked up", path);
    return client_answer(client);
}

void scene_looks_up(struct client *client, const char *path)
{
    size_t before = fake_db_nwaiting();
    get(client, path, "");
    cr_assert_eq(fake_db_nwaiting(), before + 2, "%s was not looked up", path);
}
