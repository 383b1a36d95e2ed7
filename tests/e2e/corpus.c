#include "tests/e2e/corpus.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fail.h"
#include "tests/support/process.h"
#include "tests/support/site.h"

static void copy(PGconn *session, const char *lines);

/* The ids are 1 to n, in the order of the lines; a list has six arbitrary articles. */
static const char from_lines[] =
    "create temporary table line as select row_number() over () as id, line from made;"
    "insert into sections (name) select distinct line ->> 'section' from line;"
    "insert into authors (name) select distinct json_array_elements_text(line -> 'authors') from "
    "line;"
    "insert into tags (name) select distinct json_array_elements_text(line -> 'tags') from line;"
    "insert into articles (id, slug, section_id, published_at, title, summary, body, image_url,"
    "    image_alt, image_credit, image_width, image_height, language, corrections)"
    "  select l.id, line ->> 'slug', s.id, (line ->> 'published_at')::timestamptz,"
    "         line ->> 'title', line ->> 'summary', line ->> 'body', line #>> '{image,url}',"
    "         line #>> '{image,alt}', line #>> '{image,credit}',"
    "         (line #>> '{image,width}')::integer, (line #>> '{image,height}')::integer,"
    "         line ->> 'language', coalesce((line ->> 'corrections')::jsonb, '[]')"
    "  from line l join sections s on s.name = line ->> 'section';"
    "insert into article_authors (article_id, position, author_id)"
    "  select l.id, n.position, u.id from line l, json_array_elements_text(line -> 'authors')"
    "  with ordinality n (name, position) join authors u on u.name = n.name;"
    "insert into article_tags (article_id, tag_id, published_at)"
    "  select a.id, t.id, a.published_at from line l join articles a on a.id = l.id,"
    "  json_array_elements_text(line -> 'tags') n (name) join tags t on t.name = n.name;"
    "insert into article_related (article_id, rank, related_id, score)"
    "  select l.id, rank, (l.id * 31 + rank * 17) % (select count(*) from line) + 1, 1.0 / rank"
    "  from line l, generate_series(1, 6) rank where l.id % 50 > 0"
    "  and (l.id * 31 + rank * 17) % (select count(*) from line) + 1 <> l.id;";

/* Ids from 100,001 on; their lists are not computed. */
static const char by_hand[] =
    "insert into sections (slug, name) values ('odd', E'\"Odd\" \\\\ <b>&amp; \\u2028');"
    "insert into authors (slug, name) values ('odd', E'O\\'Dd \"x\"'), ('kanji', '日本 📰');"
    "insert into tags (slug, name) select 'odd-' || n, name from unnest(array["
    "  'b', 'B', 'a', 'Ä', 'ä', 'z', '_', '-', E'\"', E'\\\\', '日本', '📰']::text[])"
    "  with ordinality t (name, n);"
    "insert into articles (id, slug, section_id, published_at, updated_at, version, title, "
    "summary, body)"
    "  select 100000 + n, 'odd-' || n, s.id, p::timestamptz, u::timestamptz, v, t, m, b"
    "  from sections s, (values"
    /* Characters that JSON must escape, and others. */
    "  (1, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, E'\"\\\\/\\b\\f\\n\\r\\t', "
    "E'\\x01\\x1f\\x7f', ''),"
    "  (2, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, E'</script><!--', E'\\u2028\\u2029', "
    "E'\\\\u0041'),"
    "  (3, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, 'e' || chr(769) || "
    "'🗞️👩‍👩‍👧', "
    "'', "
    "'📰'),"
    "  (4, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, chr(55295) || chr(57344) || chr(65533)"
    "      || chr(65535) || chr(65536) || chr(1114111), null, chr(128)),"
    "  (5, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, 'All',"
    "      null, (select string_agg(chr(c), '') from generate_series(1, 55295) c)),"
    /* Sizes: the smallest, the largest, stored outside the row. */
    "  (6, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, 'x', 'x', 'x'),"
    "  (7, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 2147483647, repeat('📰', 1000), repeat('\"', "
    "10000), 'x'),"
    "  (8, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, 'Large', null, repeat('The \"fox\". ', "
    "30000)),"
    "  (9, '2024-01-01 00:00Z', '2024-01-01 00:00Z', 1, 'Not to be compressed', null,"
    "      (select string_agg(md5(c::text), '') from generate_series(1, 3000) c)),"
    /* Times. */
    "  (10, '0001-01-01 00:00Z', '9999-12-31 23:59:59.999999Z', 1, 'T', null, 'B'),"
    "  (11, '2024-02-29 23:59:59.5Z', '2024-03-10 01:30:00.000001-05:30', 1, 'T', null, 'B'),"
    "  (12, '1969-12-31 23:59:59.999Z', '1970-01-01 00:00:00.100200Z', 1, 'T', null, 'B'),"
    "  (13, '2000-01-01 00:00Z', '1999-12-31 23:59:59.000999Z', 1, 'T', null, 'B')"
    "  ) a (n, p, u, v, t, m, b) where s.slug = 'odd';"
    /* Around a kilobyte, where gzip begins. */
    "insert into articles (id, slug, section_id, published_at, title, body)"
    "  select 100100 + n, 'kilo-' || n, s.id, '2024-01-01 00:00Z', 'K', repeat('k', 700 + n)"
    "  from sections s, generate_series(1, 60) n where s.slug = 'odd';"
    "insert into articles (id, slug, section_id, published_at, title, body)"
    "  select 576460752303423487, 'last', id, '2024-01-01', 'Last', 'B' from sections where slug "
    "= 'odd';"
    "insert into article_authors (article_id, position, author_id)"
    "  select a.id, row_number() over (partition by a.id order by u.slug desc), u.id"
    "  from articles a, authors u where a.id between 100001 and 100004 and u.slug in ('odd', "
    "'kanji');"
    "insert into article_tags (article_id, tag_id, published_at)"
    "  select a.id, t.id, a.published_at from articles a, tags t"
    "  where a.id between 100003 and 100010 and t.slug like 'odd-%';"
    /* Lists: with articles that are not published, only with such articles, with the largest
     * articles. */
    "update articles set status = 'draft' where id in (100011, 20, 21);"
    "update articles set status = 'withdrawn' where id in (100012, 22, 23);"
    "insert into article_related (article_id, rank, related_id, score) values"
    "  (100001, 1, 100002, 1), (100001, 2, 100011, 1), (100001, 4, 100004, 1), (100001, 6, 100007, "
    "1),"
    "  (100002, 1, 100011, 1), (100002, 2, 100012, 1), (100003, 3, 576460752303423487, 1),"
    "  (100012, 1, 100001, 1), (576460752303423487, 1, 100005, 1)";

/* The text of a time, without its redundant zeros. */
#define TIME(column)                                                                               \
    "regexp_replace(regexp_replace(to_char(" column                                                \
    " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), '\\.000000$', ''), '(\\.\\d{3})000$', " \
    "'\\1') || 'Z'"

#define IMAGE                                                                      \
    "case when a.image_url is not null then json_build_object('url', a.image_url," \
    "  'alt', a.image_alt, 'credit', a.image_credit, 'width', a.image_width,"      \
    "  'height', a.image_height) end"

#define NAMED(table) "json_build_object('slug', " table ".slug, 'name', " table ".name)"

/* clang-format off */
static const char by_tables[] =
    "with card as materialized ("
    "  select a.id, json_build_object('id', a.id, 'slug', a.slug, 'title', a.title,"
    "    'summary', a.summary, 'image', " IMAGE ", 'section', " NAMED("s") ","
    "    'published_at', " TIME("a.published_at") ") as card"
    "  from articles a join sections s on s.id = a.section_id where a.status = 'published'"
    "), list as materialized ("
    "  select r.article_id, json_agg(c.card order by r.rank) as cards"
    "  from article_related r join card c on c.id = r.related_id group by r.article_id"
    ") select a.id, a.status, json_build_object('article', json_build_object("
    "    'id', a.id, 'slug', a.slug, 'title', a.title, 'summary', a.summary, 'body', a.body,"
    "    'image', " IMAGE ", 'section', " NAMED("s") ","
    "    'authors', coalesce((select json_agg(" NAMED("u") " order by w.position)"
    "      from article_authors w join authors u on u.id = w.author_id"
    "      where w.article_id = a.id), '[]'),"
    "    'tags', coalesce((select json_agg(" NAMED("t") " order by t.name collate \"C\")"
    "      from article_tags w join tags t on t.id = w.tag_id"
    "      where w.article_id = a.id), '[]'),"
    "    'language', a.language,"
    "    'corrections', (select coalesce(json_agg(json_build_object("
    "      'text', c.item ->> 'text', 'at', c.item ->> 'at') order by c.n), '[]')"
    "      from jsonb_array_elements(a.corrections) with ordinality c (item, n)),"
    "    'published_at', " TIME("a.published_at") ", 'updated_at', " TIME("a.updated_at") ","
    "    'version', a.version),"
    "  'related_articles', coalesce(l.cards, '[]')),"
    "  json_build_object('related_articles', coalesce(l.cards, '[]'))"
    " from articles a join sections s on s.id = a.section_id"
    " left join list l on l.article_id = a.id order by a.id";
/* clang-format on */

void corpus_make(const char *url, unsigned n)
{
    struct test_run made;
    char *number = test_format("%u", n);
    test_lists_keep(url);
    test_run(&made, (const char *[]){BROADSHEET_TEST_MAKE_ARTICLES, number, NULL}, NULL, NULL);
    cr_assert_eq(made.status, 0, "%s", made.err);
    PGconn *session = test_session_open(url);
    test_session_sql(session, "create temporary table made (line json)");
    copy(session, made.out);
    test_session_sql(session, "%s", from_lines);
    test_session_sql(session, "%s", by_hand);
    PQfinish(session);
    test_run_finish(&made);
    free(number);
}

/* The lines are copied unchanged: no line has the bytes 1 and 2. */
static void copy(PGconn *session, const char *lines)
{
    PGresult *begun = PQexec(session, "copy made from stdin"
                                      " (format csv, quote e'\\x01', delimiter e'\\x02')");
    cr_assert_eq(PQresultStatus(begun), PGRES_COPY_IN, "%s", PQerrorMessage(session));
    cr_assert_eq(PQputCopyData(session, lines, (int)strlen(lines)), 1);
    cr_assert_eq(PQputCopyEnd(session, NULL), 1);
    PGresult *ended = PQgetResult(session);
    cr_assert_eq(PQresultStatus(ended), PGRES_COMMAND_OK, "%s", PQerrorMessage(session));
    PQclear(ended);
    PQclear(begun);
    while ((ended = PQgetResult(session)) != NULL)
        PQclear(ended);
}

PGresult *corpus_by_tables(PGconn *session)
{
    return test_session_rows(session, "%s", by_tables);
}
