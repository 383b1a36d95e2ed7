/* broadsheet import FILE...
 *
 *     each file:  ndjson_next --> article_line_parse --> loader_add (one chunk, one transaction)
 *                   | too long       | bad                 | the database refuses it
 *                   +----------------+---------------------+--> "FILE:LINE: reason", then go on
 *     then:       make related lists until the queue is empty (import/relate.h). In a large import, a
 *                 thread reads articles while the files are loaded.
 *     last:       a summary                                                                        */
#include "import/import.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/container_of.h"
#include "base/progress.h"
#include "import/article_line.h"
#include "import/loader.h"
#include "import/ndjson.h"
#include "import/relate.h"

struct import {
    struct loader loader;
    struct relate relate;
    struct article_line article;
    struct progress progress;
    unsigned chunk;
    const char *file; /* the one that is being read, for messages */
    unsigned long bad_lines, bad_files;
};

static bool import_file(struct import *import, const char *name);
static bool import_lines(struct import *import, struct ndjson *lines);
static bool import_line(struct import *import, unsigned long number, const char *line,
                        size_t bytes);
static bool is_large(const struct import *import);
static bool relate_all(struct import *import);
static relate_step_fn on_related;
static void summarize(struct import *import);
static loader_refused_fn on_refused;
static void say(struct import *import, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static_assert((int)IMPORT_MAX_CHUNK == (int)COPY_ROWS_MAX, "a chunk fits into the rows of a COPY");

int import_run(const char *database_url, unsigned chunk, char *const *files, size_t nfiles)
{
    struct import import = {.chunk = chunk};

    progress_init(&import.progress);
    article_line_init(&import.article);
    bool is_alive = loader_init(&import.loader, database_url, chunk, on_refused) &&
                    relate_init(&import.relate, database_url, chunk, on_related);
    for (size_t i = 0; is_alive && i < nfiles; i++)
        is_alive = import_file(&import, files[i]);
    is_alive = is_alive && relate_all(&import);
    if (!is_alive)
        say(&import, "broadsheet import: the database failed: %s",
            import.relate.error[0] != '\0' ? import.relate.error : import.loader.session.error);
    relate_finish(&import.relate);
    summarize(&import);
    loader_finish(&import.loader);
    article_line_finish(&import.article);
    return is_alive && import.bad_lines == 0 && import.bad_files == 0 ? 0 : 1;
}

/* False if the database failed. A file that can't be read is reported and skipped. */
static bool import_file(struct import *import, const char *name)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    struct ndjson lines;

    import->file = name;
    if (fd < 0) {
        say(import, "%s: %s", name, strerror(errno));
        import->bad_files++;
        return true;
    }
    ndjson_init(&lines, fd, ARTICLE_LINE_MAX_BYTES);
    bool is_alive = import_lines(import, &lines) && loader_flush(&import->loader);
    ndjson_finish(&lines);
    if (!is_stdin)
        close(fd);
    return is_alive;
}

static bool import_lines(struct import *import, struct ndjson *lines)
{
    const char *line;
    size_t bytes;

    for (;;) {
        switch (ndjson_next(lines, &line, &bytes)) {
        case NDJSON_LINE:
            if (!import_line(import, lines->line, line, bytes))
                return false;
            break;
        case NDJSON_TOO_LONG:
            say(import, "%s:%lu: the line has more than %d bytes", import->file, lines->line,
                ARTICLE_LINE_MAX_BYTES);
            import->bad_lines++;
            break;
        case NDJSON_FAILED:
            say(import, "%s: %s", import->file, strerror(errno));
            import->bad_files++;
            return true;
        case NDJSON_END:
            return true;
        }
    }
}

static bool import_line(struct import *import, unsigned long number, const char *line, size_t bytes)
{
    if (ndjson_is_blank(line, bytes))
        return true;
    if (!article_line_parse(&import->article, line, bytes)) {
        say(import, "%s:%lu: %s", import->file, number, import->article.reason);
        import->bad_lines++;
        return true;
    }
    bool is_alive = loader_add(&import->loader, number, &import->article);
    if (is_large(import))
        relate_help(&import->relate);
    if (progress_is_due(&import->progress))
        progress_show(&import->progress, "articles",
                      import->loader.written + import->loader.unchanged);
    return is_alive;
}

static void on_refused(struct loader *loader, unsigned long line, const char *reason)
{
    struct import *import = container_of(loader, struct import, loader);

    say(import, "%s:%lu: the database refuses it: %s", import->file, line, reason);
    import->bad_lines++;
}

/* A large change gets a helper, and the planner gets new statistics. */
static bool is_large(const struct import *import)
{
    return import->loader.written >= import->chunk;
}

static bool relate_all(struct import *import)
{
    if (is_large(import) && !loader_analyze(&import->loader))
        return false;
    return relate_rest(&import->relate, &import->loader.session);
}

static void on_related(struct relate *relate)
{
    struct import *import = container_of(relate, struct import, relate);
    long queued;

    if (progress_is_due(&import->progress) && relate_queued(&import->loader.session, &queued))
        progress_show(&import->progress, "related lists to go", (unsigned long)queued);
}

static void summarize(struct import *import)
{
    say(import, "imported %lu articles, %lu unchanged, %lu bad lines, in %.1f s",
        import->loader.written, import->loader.unchanged, import->bad_lines,
        progress_elapsed_s(&import->progress));
}

static void say(struct import *import, const char *format, ...)
{
    va_list args;

    progress_clear(&import->progress);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}
