/* bench/program.h - the first steps of each server of the benchmarks. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <signal.h>
#include <sys/resource.h>

#include "server/log.h"

/* Allows as many open files as the system allows, ignores SIGPIPE, and starts the log. */
static inline void program_begin(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    log_init(LOG_INFO);
}

#endif
