/* Two servers on one database, both with a cache. When anybody commits a change, both show it at
 * once. Both go on answering from memory where an answer shows nothing of the change.
 *
 * A third server, without a cache, has the right answers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/metric.h"
#include "tests/support/fail.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

enum { ALL_MS = 5000 * TEST_SLOWNESS, SEEN_MS = 3000, NSERVERS = 2, MAX_PATHS = 6 };

static char *url;
static struct test_server *servers[NSERVERS], *reference;

static void open_servers(void)
{
    static const char *const with_cache[] = {"BROADSHEET_THREADS=1", NULL};
    static const char *const without[] = {"BROADSHEET_THREADS=1", "BROADSHEET_CACHE_MB=0", NULL};
    url = test_database_create();
    test_articles_insert(url);
    test_lists_keep(url);
    reference = test_server_start(url, without, NULL);
    for (size_t i = 0; i < NSERVERS; i++)
        servers[i] = test_server_start(url, with_cache, NULL);
    for (size_t i = 0; i < NSERVERS; i++)
        cr_assert(WAIT_UNTIL(ALL_MS, is_feed_up(servers[i])));
}

static void close_servers(void)
{
    for (size_t i = 0; i < NSERVERS; i++)
        cr_expect_eq(test_server_stop(servers[i]), 0);
    cr_expect_eq(test_server_stop(reference), 0);
    free(url);
}

TestSuite(coherence, .init = open_servers, .fini = close_servers, .timeout = 120);

/* Changes one after the other, and the paths at which each of them is visible. Article N has the
 * cards of N+1 to N+6. So none of 10 to 30 shows anything of 1 to 5, and only these change. */
static const struct change {
    const char *what, *sql, *paths[MAX_PATHS];
} changes[] = {
    {"a title",
     "update articles set title = 'New' where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related", "/articles/40"}},
    {"a summary that is removed",
     "update articles set summary = null where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related"}},
    {"a body", "update articles set body = 'New', version = 2 where id = 5", {"/articles/5"}},
    {"a slug",
     "update articles set slug = 'new' where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related"}},
    {"a time",
     "update articles set published_at = published_at + interval '1 s' where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related"}},
    {"a section of its own",
     "insert into sections (slug, name) values ('own', 'Own');"
     "update articles set section_id = (select id from sections where slug = 'own') where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related"}},
    {"the section's name",
     "update sections set name = 'Else' where slug = 'own'",
     {"/articles/5", "/articles/4", "/articles/4/related"}},
    {"a tag of its own",
     "insert into tags (slug, name) values ('own', 'Own');"
     "insert into article_tags select 5, t.id, a.published_at from tags t, articles a"
     " where t.slug = 'own' and a.id = 5",
     {"/articles/5"}},
    {"the tag's name", "update tags set name = 'Else' where slug = 'own'", {"/articles/5"}},
    {"the tag's slug", "update tags set slug = 'else' where slug = 'own'", {"/articles/5"}},
    {"one tag less",
     "delete from article_tags where article_id = 5 and tag_id = 1",
     {"/articles/5"}},
    {"an author of its own",
     "insert into authors (slug, name) values ('own', 'Own');"
     "insert into article_authors select 5, 3, id from authors where slug = 'own'",
     {"/articles/5"}},
    {"the author's name", "update authors set name = 'Else' where slug = 'own'", {"/articles/5"}},
    {"another order of the authors",
     "update article_authors set position = position + 3 where article_id = 5 and position = 1",
     {"/articles/5"}},
    {"no authors", "delete from article_authors where article_id = 5", {"/articles/5"}},
    {"a shorter list",
     "delete from article_related where article_id = 4 and rank = 6",
     {"/articles/4", "/articles/4/related"}},
    {"a longer list",
     "insert into article_related values (4, 6, 20, 0.1)",
     {"/articles/4", "/articles/4/related"}},
    {"another order of the list",
     "update article_related set related_id = 21 where article_id = 4 and rank = 6",
     {"/articles/4", "/articles/4/related"}},
    {"a withdrawal",
     "update articles set status = 'withdrawn' where id = 5",
     {"/articles/5", "/articles/5/related", "/articles/4", "/articles/4/related", "/articles/40"}},
    {"the end of a withdrawal",
     "update articles set status = 'published' where id = 5",
     {"/articles/5", "/articles/5/related", "/articles/4", "/articles/4/related", "/articles/40"}},
    {"a draft again",
     "update articles set status = 'draft' where id = 5",
     {"/articles/5", "/articles/5/related", "/articles/4", "/articles/4/related"}},
    {"a draft that is published",
     "update articles set status = 'published' where id = 5",
     {"/articles/5", "/articles/5/related", "/articles/4", "/articles/4/related"}},
    {"a new article where none was",
     "insert into articles (id, slug, section_id, published_at, title, body)"
     " values (1000, 'late', 1, now(), 'T', 'B')",
     {"/articles/1000", "/articles/1000/related"}},
    {"an article that is deleted",
     "delete from articles where id = 1000",
     {"/articles/1000", "/articles/1000/related"}},
    {"a card that is deleted",
     "delete from articles where id = 5",
     {"/articles/5", "/articles/4", "/articles/4/related", "/articles/40"}},
    {"several changes of one transaction",
     "begin; update articles set title = 'Both' where id = 1;"
     "delete from article_tags where"
     " article_id = 3 and tag_id = 2; commit",
     {"/articles/1", "/articles/40", "/articles/3"}},
};
enum { NCHANGES = sizeof(changes) / sizeof(changes[0]), OTHER = 10, NOTHERS = 5 };

static bool is_same(const struct http_answer *a, const struct http_answer *b)
{
    return a->status == b->status && strcmp(a->body, b->body) == 0;
}

/* Does this server have the right answer at this path? */
static bool is_right(const struct test_server *server, const char *path)
{
    struct http_answer a = http_get(server, path), b = http_get(reference, path);
    bool is = a.status != 0 && is_same(&a, &b);
    http_answer_finish(&b);
    http_answer_finish(&a);
    return is;
}

static bool is_seen(const struct change *change)
{
    bool is = true;
    for (size_t s = 0; is && s < NSERVERS; s++)
        for (size_t p = 0; is && p < MAX_PATHS && change->paths[p] != NULL; p++)
            is = is_right(servers[s], change->paths[p]);
    return is;
}

static void read_others(const struct test_server *server)
{
    for (int i = 0; i < NOTHERS; i++)
        cr_expect(is_served(server, OTHER + i));
}

/* The milliseconds from the commit until both servers show the change. Expects no look-up of any
 * other article. */
static unsigned long commit_and_see(const struct change *change)
{
    struct http_answer before[MAX_PATHS];
    size_t npaths = 0;
    for (size_t s = 0; s < NSERVERS; s++)
        read_others(servers[s]);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_seen(change)), "%s: an earlier change is not shown",
              change->what);
    for (; npaths < MAX_PATHS && change->paths[npaths] != NULL; npaths++)
        before[npaths] = http_get(reference, change->paths[npaths]);

    test_sql(url, "%s", change->sql);
    uint64_t start_ms = test_now_ms();
    bool is = WAIT_UNTIL(SEEN_MS, is_seen(change));
    unsigned long took_ms = test_now_ms() - start_ms;
    for (size_t p = 0; p < npaths; p++) {
        struct http_answer after = http_get(reference, change->paths[p]);
        cr_expect(!is_same(&before[p], &after), "%s is not visible in %s", change->what,
                  change->paths[p]);
        for (size_t s = 0; !is && s < NSERVERS; s++)
            cr_expect(is_right(servers[s], change->paths[p]), "%s is not seen in %s by server %zu",
                      change->what, change->paths[p], s);
        http_answer_finish(&after);
        http_answer_finish(&before[p]);
    }
    for (size_t s = 0; s < NSERVERS; s++) {
        double lookups = article_lookups(servers[s]);
        read_others(servers[s]);
        cr_expect_eq(article_lookups(servers[s]), lookups, "%s: others were dropped too",
                     change->what);
    }
    return took_ms;
}

Test(coherence, both_servers_show_every_change_and_drop_no_other_answer)
{
    unsigned long worst_ms = 0;
    for (size_t i = 0; i < NCHANGES; i++) {
        unsigned long ms = commit_and_see(&changes[i]);
        worst_ms = ms > worst_ms ? ms : worst_ms;
    }
    printf("coherence: %d changes, each seen by both servers within %lu ms\n", NCHANGES, worst_ms);
}

static bool is_titled(const struct test_server *server, long id, const char *title)
{
    char path[32];
    snprintf(path, sizeof(path), "/articles/%ld", id);
    struct http_answer a = http_get(server, path);
    const char *text = answer_text(&a, "/article/title");
    bool is = text != NULL && strcmp(text, title) == 0;
    http_answer_finish(&a);
    return is;
}

static bool is_titled_everywhere(long id, const char *title)
{
    return is_titled(servers[0], id, title) && is_titled(servers[1], id, title);
}

Test(coherence, a_change_is_seen_at_its_commit_in_any_order_of_begins_and_commits)
{
    PGconn *slow = test_session_open(url), *quick = test_session_open(url);
    cr_assert(is_titled_everywhere(5, "Article 5") && is_titled_everywhere(20, "Article 20"));
    test_session_sql(slow, "begin; update articles set title = 'Slow' where id = 5");
    test_session_sql(quick, "update articles set title = 'Quick' where id = 20");
    cr_expect(WAIT_UNTIL(SEEN_MS, is_titled_everywhere(20, "Quick")));
    cr_expect(is_titled_everywhere(5, "Article 5"), "it is seen before its commit");

    test_session_sql(slow, "commit");
    cr_expect(WAIT_UNTIL(SEEN_MS, is_titled_everywhere(5, "Slow")),
              "it is skipped because it began earlier");

    test_session_sql(slow, "begin; update articles set title = 'Never' where id = 5; rollback");
    test_session_sql(quick, "update articles set title = 'Last' where id = 20");
    cr_expect(WAIT_UNTIL(SEEN_MS, is_titled_everywhere(20, "Last")));
    cr_expect(is_titled_everywhere(5, "Slow"));
    PQfinish(quick);
    PQfinish(slow);
}

Test(coherence, a_rolled_back_subtransaction_is_not_seen_and_the_rest_is_seen)
{
    cr_assert(is_titled_everywhere(5, "Article 5") && is_titled_everywhere(20, "Article 20"));
    test_sql(url, "begin; savepoint a; update articles set title = 'Lost' where id = 5;"
                  "rollback to a; savepoint b; update articles set title = 'Kept' where id = 20;"
                  "release b; commit");
    cr_expect(WAIT_UNTIL(SEEN_MS, is_titled_everywhere(20, "Kept")));
    cr_expect(is_titled_everywhere(5, "Article 5"));
}

static void expect_emptied(const struct change *change)
{
    struct http_answer before = http_get(reference, change->paths[0]);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_seen(change)));
    test_sql(url, "%s", change->sql);
    struct http_answer after = http_get(reference, change->paths[0]);
    cr_expect(!is_same(&before, &after), "%s: %.300s", change->what, after.body);
    cr_expect(WAIT_UNTIL(SEEN_MS, is_seen(change)), "%s is not seen", change->what);
    http_answer_finish(&after);
    http_answer_finish(&before);
}

Test(coherence, rows_of_a_truncated_table_disappear_from_answers)
{
    static const struct change lists = {"all lists are removed",
                                        "truncate article_related",
                                        {"/articles/4", "/articles/4/related"}};
    static const struct change tags = {
        "all tags are removed", "truncate article_tags", {"/articles/4"}};
    static const struct change authors = {
        "all authors are removed", "truncate article_authors", {"/articles/4"}};
    expect_emptied(&lists);
    expect_emptied(&tags);
    expect_emptied(&authors);
}

Test(coherence, articles_of_a_truncated_archive_disappear)
{
    static const struct change all = {
        "all articles are removed", "truncate articles cascade", {"/articles/4", "/articles/20"}};
    expect_emptied(&all);
}
