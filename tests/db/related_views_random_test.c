/* Sessions that change a small site in all ways at once, and a reader that looks all the while:
 *
 *     changers, workers: begin, a few statements, commit or rollback, and again; a session that
 *                        has to wait for another one gets no turn until then
 *     observer:          in snapshots that it keeps for a while, every document and every list has
 *                        the content of the tables
 *
 * Now and then the changers pause, so that the workers catch up. Each session does the same in every run; the order
 * in which the sessions come together differs. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/db/model.h"
#include "tests/support/database.h"
#include "tests/support/wait.h"

enum { CHANGERS = 4, SESSIONS = 6, ARTICLES = 12, LOOKS_A_SNAPSHOT = 4 };
enum { STEPS = 4000, STEPS_A_LOOK = 10, STEPS_A_PAUSE = 160, STEPS_IN_ALL = 320 };

static struct session {
    PGconn *conn;
    uint64_t dice;
    int left; /* statements before the end of its transaction; -1: it has no transaction open */
    bool is_worker;
    bool is_failed; /* the transaction can only be rolled back */
} sessions[SESSIONS];

static struct {
    unsigned calls, deadlocks, refused, looks, looks_at_marks;
} seen;

static void start_all(const char *url);
static void step(struct session *s);
static void begin(struct session *s);
static void work(struct session *s);
static void change(struct session *s);
static void end(struct session *s);
static void end_all(void);
static bool is_free(struct session *s);
static void on_error(struct session *s, const PGresult *result);
static void look(PGconn *observer, unsigned n);
static unsigned dice(uint64_t *state, unsigned sides);

Test(related_views_random, are_right_in_every_snapshot_during_any_simultaneous_changes,
     .timeout = 150)
{
    char *url = model_create();
    PGconn *observer = test_session_open(url);
    uint64_t turn = 1;
    start_all(url);
    for (unsigned steps = 0; steps < STEPS;) {
        struct session *s = &sessions[dice(&turn, SESSIONS)];
        bool is_pause = steps % STEPS_IN_ALL >= STEPS_IN_ALL - STEPS_A_PAUSE;
        if (!is_free(s) || (is_pause && !s->is_worker && s->left < 0)) {
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* then another session has its
                                                                     * turn */
            continue;
        }
        step(s);
        if (steps++ % STEPS_A_LOOK == 0)
            look(observer, steps / STEPS_A_LOOK);
    }
    end_all();
    test_session_sql(observer, "commit");
    model_expect_agreement(observer, "all");
    model_expect_settled(observer, "all");
    cr_log_info("%u calls, %u deadlocks, %u refused, %u looks, %u at marks", seen.calls,
                seen.deadlocks, seen.refused, seen.looks, seen.looks_at_marks);
    cr_expect_gt(seen.calls, STEPS / 20, "%u", seen.calls);
    cr_expect_gt(seen.looks_at_marks, seen.looks / 4, "%u", seen.looks_at_marks);
    cr_expect_lt(seen.looks_at_marks, seen.looks, "the workers never catch up");
    PQfinish(observer);
    free(url);
}

static void start_all(const char *url)
{
    test_sql(url,
             "insert into articles (id, slug, section_id, published_at, title, body)"
             " select i, 'article-' || i, 1 + i %% 2, '2024-01-01Z', 'Title ' || i, 'Body ' || i"
             " from generate_series(6, %d) i",
             ARTICLES);
    for (int i = 0; i < SESSIONS; i++) {
        sessions[i] = (struct session){.conn = test_session_open(url),
                                       .dice = (uint64_t)i + 2,
                                       .is_worker = i >= CHANGERS,
                                       .left = -1};
        test_session_sql(sessions[i].conn, "set deadlock_timeout = '20ms'");
    }
}

static void step(struct session *s)
{
    if (s->left < 0)
        begin(s);
    else if (s->left == 0 || s->is_failed)
        end(s);
    else if (s->is_worker)
        work(s);
    else
        change(s);
}

static void begin(struct session *s)
{
    s->left = 1 + (int)dice(&s->dice, 3);
    s->is_failed = false;
    cr_assert(PQsendQuery(
        s->conn, dice(&s->dice, 5) > 0 ? "begin" : "begin isolation level repeatable read"));
}

static void work(struct session *s)
{
    char sql[64];
    const char *format =
        dice(&s->dice, 3) > 0 ? "select related_work(%u)" : "select stale_work('{}', %u)";
    snprintf(sql, sizeof(sql), format, 1 + dice(&s->dice, 5));
    cr_assert(PQsendQuery(s->conn, sql));
    s->left--;
    seen.calls++;
}

/* %1$u, %2$u: articles; %3$u: a rank; %4$u: any number. */
static const char *const changes[] = {
    "update articles set title = 'Title %4$u' where id = %1$u",
    "update articles set title = 'Title %4$u' where id in (%1$u, %2$u)",
    "update articles set title = title || '.' where id %% 3 = %3$u %% 3",
    "update articles set status = (array['published', 'published', 'draft', 'withdrawn'])"
    "[1 + %4$u %% 4] where id = %1$u",
    "update articles set section_id = 1 + %4$u %% 2 where id = %1$u",
    "update articles set body = 'Body %4$u' where id = %1$u",
    "update sections set name = 'Section %4$u' where id = 1 + %3$u %% 2",
    "update tags set name = 'Tag %4$u' where id = 1 + %3$u %% 3",
    "update authors set name = 'Author %4$u' where id = 1 + %3$u %% 2",
    "insert into article_tags select id, 1 + %3$u %% 3, published_at from articles where id = %1$u"
    " on conflict do nothing",
    "delete from article_tags where article_id = %1$u",
    "insert into article_authors select id, %3$u, 1 + %3$u %% 2 from articles where id = %1$u"
    " on conflict do nothing",
    "delete from articles where id = %1$u",
    "insert into articles (id, slug, section_id, published_at, title, body)"
    " values (%1$u, 'article-%1$u', 1, '2024-01-01Z', 'Title %4$u', 'Body') on conflict do nothing",
    "insert into articles (id, slug, section_id, published_at, title, body)"
    " values (%1$u, 'article-%1$u', 1, '2024-01-01Z', 'Title %4$u', 'Body') on conflict do nothing;"
    "insert into article_related select %2$u, %3$u, %1$u, 1 from articles"
    " where id = %2$u and id <> %1$u on conflict do nothing",
    "insert into article_related select o.id, %3$u, m.id, 1 from articles o, articles m"
    " where (o.id, m.id) = (%1$u, %2$u) and o.id <> m.id on conflict do nothing",
    "insert into article_related select o.id, 1 + o.id %% 6, m.id, 1 from articles o, articles m"
    " where m.id = %1$u and o.id <> m.id on conflict do nothing",
    "update article_related set rank = 7 - rank where article_id = %1$u",
    "update article_related set related_id = %2$u where (article_id, rank) = (%1$u, %3$u)"
    " and article_id <> %2$u",
    "update article_related set article_id = %2$u where (article_id, rank) = (%1$u, %3$u)"
    " and related_id <> %2$u",
    "delete from article_related where article_id = %1$u and rank >= %3$u",
    "delete from article_related where related_id = %1$u",
};
enum { NCHANGES = sizeof(changes) / sizeof(changes[0]) };

static void change(struct session *s)
{
    char one[640], sql[768];
    unsigned article = 1 + dice(&s->dice, ARTICLES), other = 1 + dice(&s->dice, ARTICLES),
             rank = 1 + dice(&s->dice, 6), number = dice(&s->dice, 1000);
    snprintf(one, sizeof(one), changes[dice(&s->dice, NCHANGES)], article, other, rank, number);
    bool is_undone = dice(&s->dice, 10) == 0;
    snprintf(sql, sizeof(sql), is_undone ? "savepoint s; %s; rollback to s" : "%s", one);
    cr_assert(PQsendQuery(s->conn, sql));
    s->left--;
}

static void end(struct session *s)
{
    bool is_kept = !s->is_failed && dice(&s->dice, 6) > 0;
    cr_assert(PQsendQuery(s->conn, is_kept ? "commit" : "rollback"));
    s->left = -1;
}

static void end_all(void)
{
    for (int nopen = SESSIONS; nopen > 0;) {
        for (struct session *s = sessions; s < sessions + SESSIONS; s++) {
            if (s->conn == NULL || !is_free(s))
                continue;
            if (s->left >= 0) {
                end(s);
            } else {
                PQfinish(s->conn);
                s->conn = NULL;
                nopen--;
            }
        }
    }
}

/* Never waits: when a session waits for another one, the other one needs a turn. */
static bool is_free(struct session *s)
{
    cr_assert(PQconsumeInput(s->conn), "%s", PQerrorMessage(s->conn));
    while (!PQisBusy(s->conn)) {
        PGresult *result = PQgetResult(s->conn);
        if (result == NULL)
            return true;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            on_error(s, result);
        PQclear(result);
    }
    return false;
}

/* Sessions that change rows in any order meet deadlocks, and rows that others inserted or deleted.
 * But the work on marks never takes part in a deadlock. The work fails at once (55P03) when a
 * vacuum has a lock on a table. */
static void on_error(struct session *s, const PGresult *result)
{
    static const char tolerated[] = "23503 23505 40001 0A000 55P03";
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE),
               *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    s->is_failed = true;
    if (strcmp(state, "40P01") == 0) {
        seen.deadlocks++;
        cr_expect(context == NULL || strstr(context, "stale_work") == NULL, "%s", context);
    } else {
        seen.refused++;
        cr_expect(strstr(tolerated, state) != NULL, "%s", PQresultErrorMessage(result));
    }
}

static void look(PGconn *observer, unsigned n)
{
    if (n % LOOKS_A_SNAPSHOT == 0)
        test_session_sql(observer, "%sbegin isolation level repeatable read",
                         n > 0 ? "commit; " : "");
    model_expect_agreement(observer, "a step");
    seen.looks++;
    seen.looks_at_marks += model_number(observer, "select count(*) from stale_marks") > 0;
}

static unsigned dice(uint64_t *state, unsigned sides)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*state >> 33) % sides;
}
