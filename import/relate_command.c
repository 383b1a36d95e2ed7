#include "import/relate_command.h"

#include <stdio.h>

#include "base/container_of.h"
#include "base/progress.h"
#include "import/import_sql.h"
#include "import/relate.h"

struct command {
    struct session session;
    struct relate relate;
    struct progress progress;
    long queued;
};

static relate_step_fn show_progress;

int relate_command(const char *database_url, unsigned chunk, bool all)
{
    struct command command = {0};
    struct session *session = &command.session;

    progress_init(&command.progress);
    bool is_done = session_init(session, database_url) &&
                   relate_init(&command.relate, database_url, chunk, show_progress) &&
                   (!all || session_run(session, import_sql_queue_all, NULL) == SESSION_OK) &&
                   relate_queued(session, &command.queued) && relate_rest(&command.relate, session);
    progress_clear(&command.progress);
    if (is_done)
        fprintf(stderr, "worked off the queue of %ld articles in %.1f s\n", command.queued,
                progress_elapsed_s(&command.progress));
    else
        fprintf(stderr, "broadsheet relate: the database failed: %s\n",
                command.relate.error[0] != '\0' ? command.relate.error : session->error);
    relate_finish(&command.relate);
    session_finish(session);
    return is_done ? 0 : 1;
}

static void show_progress(struct relate *relate)
{
    struct command *command = container_of(relate, struct command, relate);
    long queued;

    if (progress_is_due(&command->progress) && relate_queued(&command->session, &queued))
        progress_show(&command->progress, "articles and lists to go", (unsigned long)queued);
}
