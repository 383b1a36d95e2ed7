/* The first steps of most end-to-end tests. */
#include <criterion/criterion.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "tests/support/site.h"

struct test_site test_site_open(const char *const env[])
{
    struct test_site site = {.url = test_database_create()};
    test_articles_insert(site.url);
    test_lists_keep(site.url);
    site.server = test_server_start(site.url, env, NULL);
    return site;
}

void test_site_close(struct test_site *site)
{
    int status = test_server_stop(site->server);
    cr_expect_eq(status, 0, "the server ended with %d", status);
    free(site->url);
    *site = (struct test_site){0};
}

void test_articles_insert(const char *url)
{
    test_sql(
        url,
        "insert into sections (slug, name) values ('news', 'News');"
        "insert into authors (slug, name) values ('ann-lee', 'Ann Lee'), ('bo-ek', 'Bo Ek');"
        "insert into tags (slug, name) values ('water', 'Water'), ('air', 'Air');"
        "insert into articles (id, slug, section_id, published_at, updated_at, title, summary, "
        "body)"
        "  select n, 'article-' || n, 1, timestamptz '2024-03-01 12:00:00Z' + n * interval '1 h',"
        "         timestamptz '2024-05-01 12:00:00Z', 'Article ' || n, 'Summary ' || n, 'Body ' || "
        "n"
        "  from generate_series(1, %1$d) n;"
        "insert into article_authors (article_id, position, author_id)"
        "  select n, position, case position when 1 then b.id else a.id end"
        "  from generate_series(1, %1$d) n, generate_series(1, 2) position, authors a, authors b"
        "  where a.slug = 'ann-lee' and b.slug = 'bo-ek';"
        "insert into article_tags (article_id, tag_id, published_at)"
        "  select a.id, t.id, a.published_at from articles a, tags t;"
        "delete from article_related;"
        "insert into article_related (article_id, rank, related_id, score)"
        "  select n, rank, (n + rank - 1) %% %1$d + 1, 1.0 / rank"
        "  from generate_series(1, %1$d) n, generate_series(1, %2$d) rank",
        SITE_ARTICLES, SITE_CARDS);
}

void test_article_insert(const char *url, long id, const char *slug)
{
    test_sql(url,
             "insert into sections (slug, name) values ('news', 'News') on conflict do nothing;"
             "insert into articles (id, slug, section_id, published_at, title, body)"
             "  select %ld, '%s', id, '2024-03-01 12:00:00Z', 'T', 'B' from sections where slug = "
             "'news'",
             id, slug);
}

void test_lists_keep(const char *url)
{
    test_sql(
        url,
        "create or replace function related_new(most integer) returns setof related_source"
        "  language sql security definer as 'select * from related_sources_of(''{}'')';"
        "create or replace function related_take(most integer, only_article bigint default null)"
        "  returns table (article_id bigint, turn smallint) language sql security definer"
        "  as 'select 1::bigint, 0::smallint where false';"
        "create or replace function related_take_lists(most integer, only_article bigint default "
        "null)"
        "  returns table (article_id bigint, turn smallint, revision bigint) language sql"
        "  security definer as 'select 1::bigint, 0::smallint, 0::bigint where false'");
}

PGconn *test_lock(const char *url, const char *tables)
{
    PGconn *lock = test_session_open(url);
    test_session_sql(lock, "begin; lock table %s in access exclusive mode", tables);
    return lock;
}

void test_unlock(PGconn *lock)
{
    test_session_sql(lock, "commit");
    PQfinish(lock);
}

long test_waiting(const char *url)
{
    return test_sql_number(
        url, "select count(*) from pg_stat_activity where datname = current_database()"
             "  and wait_event_type = 'Lock' and state = 'active' and query !~ 'from work_marks'");
}

static struct json_object *value_at(const struct http_answer *answer, const char *pointer)
{
    struct json_object *value = NULL;
    if (answer->json == NULL || json_pointer_get(answer->json, pointer, &value) != 0)
        return NULL;
    return value;
}

const char *answer_text(const struct http_answer *answer, const char *pointer)
{
    struct json_object *value = value_at(answer, pointer);
    return value == NULL ? NULL : json_object_get_string(value);
}

long answer_number(const struct http_answer *answer, const char *pointer)
{
    struct json_object *value = value_at(answer, pointer);
    return json_object_is_type(value, json_type_int) ? (long)json_object_get_int64(value) : -1;
}

void expect_problem(const struct http_answer *answer, int status, const char *what_was_asked)
{
    static const char *const texts[] = {"type", "title", "detail", "instance"};
    const char *type = http_field(answer, "content-type");

    if (answer->status != status) { /* the other checks would only repeat this */
        cr_expect_fail("%s: %d instead of %d: %.200s", what_was_asked, answer->status, status,
                       answer->body);
        return;
    }
    cr_expect(type != NULL && strcmp(type, "application/problem+json") == 0, "%s: the type is %s",
              what_was_asked, type);
    cr_expect_eq(answer_number(answer, "/status"), status,
                 "%s: the member status is not %d: %.200s", what_was_asked, status, answer->body);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char pointer[16];
        snprintf(pointer, sizeof(pointer), "/%s", texts[i]);
        struct json_object *value = value_at(answer, pointer);
        cr_expect(json_object_is_type(value, json_type_string) &&
                      json_object_get_string_len(value) > 0,
                  "%s: no text in the member %s: %.200s", what_was_asked, texts[i], answer->body);
    }
}

bool is_article(const struct http_answer *answer, long id)
{
    return answer->status == 200 && answer_number(answer, "/article/id") == id &&
           answer_text(answer, "/related_articles") != NULL;
}

void expect_article(const struct http_answer *answer, long id, const char *related_status)
{
    const char *status = http_field(answer, "related-status");
    cr_expect(is_article(answer, id), "%ld: %d %.200s", id, answer->status, answer->body);
    cr_expect(status != NULL && strcmp(status, related_status) == 0, "%ld: Related-Status is %s",
              id, status);
    const char *list = answer_text(answer, "/related_articles");
    if (strcmp(related_status, "ok") != 0)
        cr_expect(list != NULL && strcmp(list, "[ ]") == 0, "%ld: %s", id, list);
}

bool is_served(const struct test_server *server, long id)
{
    char path[32];
    snprintf(path, sizeof(path), "/articles/%ld", id);
    struct http_answer a = http_get(server, path);
    const char *related = http_field(&a, "related-status");
    bool is = is_article(&a, id) && related != NULL && strcmp(related, "ok") == 0;
    http_answer_finish(&a);
    return is;
}

void ask_all(const struct test_server *server, struct http_connection *clients, int n)
{
    for (int i = 0; i < n; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/articles/%d", i + 1);
        clients[i] = http_open(server);
        http_send(&clients[i], "GET", path, NULL, NULL);
    }
}
