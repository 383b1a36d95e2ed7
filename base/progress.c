/* The line of progress. */
#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double now_s(void);

void progress_init(struct progress *progress)
{
    double now = now_s();

    *progress = (struct progress){
        ._is_terminal = isatty(STDERR_FILENO) == 1, ._started_s = now, ._shown_s = now};
}

bool progress_is_due(struct progress *progress)
{
    if (!progress->_is_terminal || now_s() - progress->_shown_s < 0.5)
        return false;
    progress->_shown_s = now_s();
    return true;
}

void progress_show(struct progress *progress, const char *unit, unsigned long n)
{
    fprintf(stderr, "\r%lu %s, %.0f s\033[K", n, unit, progress_elapsed_s(progress));
    progress->_is_shown = true;
}

void progress_clear(struct progress *progress)
{
    if (progress->_is_shown)
        fputs("\r\033[K", stderr);
    progress->_is_shown = false;
}

double progress_elapsed_s(const struct progress *progress)
{
    return now_s() - progress->_started_s;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
