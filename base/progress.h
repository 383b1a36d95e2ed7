/* base/progress.h - one line that is overwritten again and again, if stderr is a terminal. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool _is_terminal, _is_shown;
    double _started_s, _shown_s;
};

void progress_init(struct progress *progress);
bool progress_is_due(struct progress *progress); /* twice a second, and never without a terminal */
void progress_show(struct progress *progress, const char *unit, unsigned long n);
void progress_clear(struct progress *progress); /* call it before other output to stderr */
double progress_elapsed_s(const struct progress *progress);

#endif
