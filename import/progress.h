/* import/progress.h - one line on a terminal that is written over and over; nothing elsewhere. */
#ifndef IMPORT_PROGRESS_H
#define IMPORT_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool _is_terminal, _is_shown;
    double _started_s, _shown_s;
};

void progress_init(struct progress *progress);
bool progress_is_due(struct progress *progress); /* on a terminal, twice a second */
void progress_show(struct progress *progress, const char *what, unsigned long n);
void progress_clear(struct progress *progress); /* before anything else goes to stderr */
double progress_elapsed_s(const struct progress *progress);

#endif
