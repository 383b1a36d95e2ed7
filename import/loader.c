/* Writes chunks into the database.
 *
 *     loader_add ... loader_add --> full: loader_flush
 *                                     load_range(all)
 *                                       begin, COPY, the statements, commit
 *                                         conflict (such as a deadlock): roll back, wait, repeat
 *                                         data refused: roll back, load each half by itself, until
 *                                                       one row is left: report its line         */
#include "import/loader.h"

#include <stdlib.h>
#include <time.h>

#include "import/import_sql.h"

static enum session_result load_range(struct loader *loader, size_t first, size_t count);
static enum session_result load_halves(struct loader *loader, size_t first, size_t count);
static enum session_result try_range(struct loader *loader, size_t first, size_t count);
static enum session_result copy_range(struct loader *loader, size_t first, size_t count);
static enum session_result run_statements(struct session *session, long *ret_changed);
static enum session_result run_all(struct session *session, const char *const *statements);
static void wait_turn(int attempt);

enum { MAX_ATTEMPTS = 8 };

bool loader_init(struct loader *loader, const char *database_url, unsigned chunk,
                 loader_refused_fn *refused)
{
    *loader = (struct loader){.refused = refused};
    copy_rows_init(&loader->_rows, chunk);
    struct session *session = &loader->session;
    return session_init(session, database_url) &&
           session_run(session, import_sql_documents_later, NULL) == SESSION_OK &&
           session_run(session, import_sql_create_staged, NULL) == SESSION_OK &&
           session_run(session, import_sql_create_changed, NULL) == SESSION_OK &&
           session_run(session, import_sql_create_differing, NULL) == SESSION_OK;
}

void loader_finish(struct loader *loader)
{
    copy_rows_finish(&loader->_rows);
    session_finish(&loader->session);
}

bool loader_add(struct loader *loader, unsigned long line, const struct article_line *article)
{
    copy_rows_add(&loader->_rows, line, article);
    return !copy_rows_is_full(&loader->_rows) || loader_flush(loader);
}

bool loader_flush(struct loader *loader)
{
    size_t count = loader->_rows.count;
    bool is_loaded = count == 0 || load_range(loader, 0, count) == SESSION_OK;

    copy_rows_clear(&loader->_rows);
    return is_loaded;
}

static enum session_result load_range(struct loader *loader, size_t first, size_t count)
{
    enum session_result status = SESSION_AGAIN;

    for (int attempt = 0; status == SESSION_AGAIN && attempt < MAX_ATTEMPTS; attempt++) {
        wait_turn(attempt);
        status = try_range(loader, first, count);
        if (status == SESSION_AGAIN || status == SESSION_REFUSED) {
            struct session copy = loader->session; /* so that the error of the failure is kept */
            if (session_run(&copy, "rollback", NULL) != SESSION_OK)
                return SESSION_FAILED;
        }
    }
    if (status != SESSION_REFUSED)
        return status;
    if (count > 1)
        return load_halves(loader, first, count);
    loader->refused(loader, loader->_rows.line[first], loader->session.error);
    return SESSION_OK;
}

static enum session_result load_halves(struct loader *loader, size_t first, size_t count)
{
    enum session_result status = load_range(loader, first, count / 2);

    if (status != SESSION_OK)
        return status;
    return load_range(loader, first + count / 2, count - count / 2);
}

static enum session_result try_range(struct loader *loader, size_t first, size_t count)
{
    struct session *session = &loader->session;
    long changed = 0;

    enum session_result status =
        session_run(session, "begin isolation level read committed, read write", NULL);
    if (status == SESSION_OK)
        status = copy_range(loader, first, count);
    if (status == SESSION_OK)
        status = run_statements(session, &changed);
    if (status == SESSION_OK)
        status = session_run(session, "commit", NULL);
    if (status == SESSION_OK) {
        loader->written += (unsigned long)changed;
        loader->unchanged += count - (unsigned long)changed;
    }
    return status;
}

static enum session_result copy_range(struct loader *loader, size_t first, size_t count)
{
    const struct copy_rows *rows = &loader->_rows;
    struct session *session = &loader->session;

    enum session_result status = session_copy_start(session, import_sql_copy_staged);
    if (status != SESSION_OK)
        return status;
    session_copy_data(session, copy_rows_header, sizeof(copy_rows_header));
    session_copy_data(session, rows->data + rows->start[first],
                      rows->start[first + count] - rows->start[first]);
    session_copy_data(session, copy_rows_trailer, sizeof(copy_rows_trailer));
    return session_copy_end(session);
}

/* Each statement works on all rows of the chunk. Their order is also the order of the locks: names,
 * new articles, articles that differ. */
static enum session_result run_statements(struct session *session, long *ret_changed)
{
    static const char *const new_articles[] = {
        import_sql_keep_last,   import_sql_insert_sections, import_sql_insert_authors,
        import_sql_insert_tags, import_sql_insert_articles, NULL,
    };
    static const char *const differing_articles[] = {
        import_sql_mark_differing,
        import_sql_delete_article_authors,
        import_sql_delete_article_tags,
        import_sql_update_articles,
        NULL,
    };
    static const char *const links[] = {
        import_sql_insert_article_authors,
        import_sql_insert_article_tags,
        import_sql_write_documents,
        NULL,
    };
    long differing = 0;

    enum session_result status = run_all(session, new_articles);
    if (status == SESSION_OK)
        status = session_run(session, import_sql_lock_differing, &differing);
    if (status == SESSION_OK && differing > 0)
        status = run_all(session, differing_articles);
    if (status == SESSION_OK)
        status = run_all(session, links);
    if (status == SESSION_OK)
        status = session_run(session, import_sql_select_changed, ret_changed);
    return status;
}

static enum session_result run_all(struct session *session, const char *const *statements)
{
    enum session_result status = SESSION_OK;

    for (; status == SESSION_OK && *statements != NULL; statements++)
        status = session_run(session, *statements, NULL);
    return status;
}

bool loader_analyze(struct loader *loader)
{
    return session_run(&loader->session, import_sql_analyze, NULL) != SESSION_FAILED &&
           session_run(&loader->session, import_sql_vacuum_article_tags, NULL) != SESSION_FAILED;
}

/* Longer for each attempt, and different for two programs: otherwise they would conflict again. */
static void wait_turn(int attempt)
{
    if (attempt == 0)
        return;
    struct timespec now, pause = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    pause.tv_nsec = (now.tv_nsec / 1000 % 50 + 1) * attempt * 1000000L; /* 1 to 350 ms */
    nanosleep(&pause, NULL);
}
