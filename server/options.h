/* server/options.h - settings: environment variables, and flags of the same names that override them. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "server/log.h"
#include "weather/settings.h"

enum command {
    COMMAND_SERVE,
    COMMAND_IMPORT,
    COMMAND_RELATE,
    COMMAND_WEATHER,
    COMMAND_HELP,
    COMMAND_VERSION
};

struct options {
    enum command command;
    char *const *arguments; /* the words after the command; lent by argv */
    size_t narguments;

    const char *database_url; /* lent by the environment or argv */
    const char *listen;       /* HOST:PORT */
    unsigned threads;
    unsigned db_connections; /* per thread; 0: as many as PostgreSQL allows, at most 2 */
    unsigned cache_mb;
    unsigned memory_mb;
    unsigned max_stale_ms; /* of answers in memory */
    unsigned deadline_ms;
    unsigned related_ms;
    unsigned max_connections; /* of clients, all threads together */
    unsigned import_chunk;    /* the articles of a transaction */
    bool relate_all;
    struct weather_settings weather;
    enum log_level log;
};

/* Reads the environment and the command line, and opens nothing. False: *ret_error names the fault
 * and its remedy in one line (malloc'ed). argv is reordered: flags first. */
bool options_read(struct options *options, int argc, char **argv, char **ret_error);

/* Commands and settings, each with its default. */
void options_print_help(FILE *out);

#endif
