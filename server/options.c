#include "server/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "db/pool.h"
#include "import/import.h"

enum kind { TEXT, NUMBER, LEVEL };
enum { MAX_THREADS = 256 };

/* One row for each setting. */
static const struct setting {
    const char *variable, *flag, *preset; /* preset NULL: required, or determined later */
    const char *meaning;
    enum kind kind;
    unsigned min, max; /* of a NUMBER */
    size_t offset;     /* in struct options */
} settings[] = {
    {"DATABASE_URL", "database-url", NULL, "where PostgreSQL is, in any form that libpq takes",
     TEXT, 0, 0, offsetof(struct options, database_url)},
    {"BROADSHEET_LISTEN", "listen", "127.0.0.1:8080",
     "HOST:PORT to serve on; port 0 picks a free one", TEXT, 0, 0,
     offsetof(struct options, listen)},
    {"BROADSHEET_THREADS", "threads", NULL, "event loops; by default one per core", NUMBER, 1,
     MAX_THREADS, offsetof(struct options, threads)},
    {"BROADSHEET_DB_CONNECTIONS", "db-connections", NULL,
     "connections per thread (2, fewer where PostgreSQL allows fewer)", NUMBER, 1,
     DB_POOL_MAX_CONNECTIONS, offsetof(struct options, db_connections)},
    {"BROADSHEET_CACHE_MB", "cache-mb", "64", "memory for finished answers, in MiB; 0 keeps none",
     NUMBER, 0, 1048576, offsetof(struct options, cache_mb)},
    {"BROADSHEET_MEMORY_MB", "memory-mb", "256",
     "memory for answers in flight, in MiB; above it: 503", NUMBER, 16, 1048576,
     offsetof(struct options, memory_mb)},
    {"BROADSHEET_MAX_STALE_MS", "max-stale-ms", "1000",
     "the age of answers from memory without news of the database", NUMBER, 100, 60000,
     offsetof(struct options, max_stale_ms)},
    {"BROADSHEET_DEADLINE_MS", "deadline-ms", "2000",
     "the total time of a request in milliseconds, with queueing", NUMBER, 10, 600000,
     offsetof(struct options, deadline_ms)},
    {"BROADSHEET_RELATED_MS", "related-ms", "250",
     "the wait of an article for its related list, in milliseconds", NUMBER, 1, 600000,
     offsetof(struct options, related_ms)},
    {"BROADSHEET_MAX_CONNECTIONS", "max-connections", "10000",
     "client connections; above it the listener waits", NUMBER, 1, 1000000,
     offsetof(struct options, max_connections)},
    {"BROADSHEET_IMPORT_CHUNK", "import-chunk", "1000", "articles in each transaction of an import",
     NUMBER, 1, IMPORT_MAX_CHUNK, offsetof(struct options, import_chunk)},
    {"BROADSHEET_WEATHER_CITIES", "weather-cities", NULL,
     "a JSON file of cities; without it there is no weather", TEXT, 0, 0,
     offsetof(struct options, weather.cities)},
    {"BROADSHEET_WEATHER_URL", "weather-url", NULL,
     "an address with {latitude} {longitude} {name} (Open-Meteo)", TEXT, 0, 0,
     offsetof(struct options, weather.url)},
    {"BROADSHEET_WEATHER_EVERY_S", "weather-every-s", "3600",
     "how often the weather is fetched, in seconds", NUMBER, 1, 604800,
     offsetof(struct options, weather.every_s)},
    {"BROADSHEET_WEATHER_TIMEOUT_MS", "weather-timeout-ms", "10000",
     "the total time of a fetch in milliseconds, with queueing", NUMBER, 10, 600000,
     offsetof(struct options, weather.timeout_ms)},
    {"BROADSHEET_WEATHER_PARALLEL", "weather-parallel", "64",
     "fetches at the same time, of one host at most 4", NUMBER, 1, 4096,
     offsetof(struct options, weather.parallel)},
    {"BROADSHEET_WEATHER_CONTACT", "weather-contact", NULL,
     "an e-mail or web address, sent in the User-Agent", TEXT, 0, 0,
     offsetof(struct options, weather.contact)},
    {"BROADSHEET_LOG", "log", "info", "error, warn, info or debug", LEVEL, 0, 0,
     offsetof(struct options, log)},
};
enum { NSETTINGS = sizeof(settings) / sizeof(settings[0]) };

static unsigned cores(void);
static bool read_flags(struct options *options, const char *values[NSETTINGS], int argc,
                       char **argv, char **ret_error);
static bool read_command(struct options *options, char *const *words, size_t n, char **ret_error);
static bool set(struct options *options, const struct setting *s, const char *name,
                const char *value, char **ret_error);
static bool fault(char **ret_error, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool options_read(struct options *options, int argc, char **argv, char **ret_error)
{
    *options = (struct options){.command = COMMAND_SERVE};
    const char *flags[NSETTINGS] = {0};
    if (!read_flags(options, flags, argc, argv, ret_error))
        return false;
    if (options->command == COMMAND_HELP || options->command == COMMAND_VERSION)
        return true;

    options->threads = cores();
    options->weather.url = WEATHER_DEFAULT_URL;
    for (size_t i = 0; i < NSETTINGS; i++) {
        const struct setting *s = &settings[i];
        const char *variable = getenv(s->variable);
        const char *value = flags[i] != NULL ? flags[i] : variable != NULL ? variable : s->preset;
        char flag[32];
        snprintf(flag, sizeof(flag), "--%s", s->flag);
        if (value != NULL &&
            !set(options, s, flags[i] != NULL ? flag : s->variable, value, ret_error))
            return false;
    }
    if (options->weather.cities != NULL && options->weather.cities[0] == '\0')
        options->weather.cities = NULL;
    if (options->command == COMMAND_WEATHER)
        return options->weather.cities != NULL ||
               fault(ret_error, "BROADSHEET_WEATHER_CITIES is not set: give a JSON file of cities, "
                                "such as deploy/cities.json");
    if (options->database_url == NULL || options->database_url[0] == '\0')
        return fault(ret_error, "DATABASE_URL is not set: give the database's address, such as "
                                "DATABASE_URL=postgres://user@host/database");
    return true;
}

static bool read_flags(struct options *options, const char *values[NSETTINGS], int argc,
                       char **argv, char **ret_error)
{
    enum { HELP = NSETTINGS, VERSION, ALL, NFLAGS };
    struct option flags[NFLAGS + 1] = {[HELP] = {"help", no_argument, NULL, HELP},
                                       [ALL] = {"all", no_argument, NULL, ALL},
                                       [VERSION] = {"version", no_argument, NULL, VERSION}};
    for (int i = 0; i < NSETTINGS; i++)
        flags[i] = (struct option){settings[i].flag, required_argument, NULL, i};

    optind = 0;
    opterr = 0;
    for (int i; (i = getopt_long(argc, argv, ":h", flags, NULL)) != -1;) {
        if (i == HELP || i == 'h') {
            options->command = COMMAND_HELP;
            return true;
        }
        if (i == VERSION) {
            options->command = COMMAND_VERSION;
            return true;
        }
        if (i == ':')
            return fault(ret_error, "%s needs a value: see broadsheet --help", argv[optind - 1]);
        if (i == '?' && optopt != 0) /* a letter, perhaps one of several in a word */
            return fault(ret_error, "there is no flag -%c: see broadsheet --help", optopt);
        if (i == '?')
            return fault(ret_error, "there is no flag %s: see broadsheet --help", argv[optind - 1]);
        if (i == ALL)
            options->relate_all = true;
        else
            values[i] = optarg;
    }
    return read_command(options, argv + optind, (size_t)(argc - optind), ret_error);
}

/* The cores that this process may use, at most as many as the setting allows. */
static unsigned cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < MAX_THREADS ? (unsigned)n : MAX_THREADS;
}

static bool read_command(struct options *options, char *const *words, size_t n, char **ret_error)
{
    if (n == 0 || strcmp(words[0], "serve") == 0) {
        if (n > 1)
            return fault(ret_error,
                         "serve takes no argument, and here is \"%s\": see broadsheet --help",
                         words[1]);
        options->command = COMMAND_SERVE;
    } else if (strcmp(words[0], "import") == 0) {
        if (n == 1)
            return fault(ret_error, "import needs a file: broadsheet import FILE..., with - for "
                                    "standard input");
        options->command = COMMAND_IMPORT;
    } else if (strcmp(words[0], "relate") == 0) {
        if (n > 1)
            return fault(ret_error,
                         "relate takes no argument, and here is \"%s\": see broadsheet --help",
                         words[1]);
        options->command = COMMAND_RELATE;
    } else if (strcmp(words[0], "weather") == 0) {
        options->command = COMMAND_WEATHER;
    } else {
        return fault(ret_error, "there is no command \"%s\": see broadsheet --help", words[0]);
    }
    if (options->relate_all && options->command != COMMAND_RELATE)
        return fault(ret_error, "--all belongs to broadsheet relate: see broadsheet --help");
    options->arguments = words + (n > 0);
    options->narguments = n > 0 ? n - 1 : 0;
    return true;
}

static bool set(struct options *options, const struct setting *s, const char *name,
                const char *value, char **ret_error)
{
    void *field = (char *)options + s->offset;
    char *rest = NULL;

    switch (s->kind) {
    case TEXT:
        *(const char **)field = value;
        return true;
    case NUMBER:
        errno = 0;
        unsigned long number = strtoul(value, &rest, 10);
        if (value[0] < '0' || value[0] > '9' || *rest != '\0' || errno != 0 || number < s->min ||
            number > s->max)
            return fault(ret_error, "%s is \"%s\": give a whole number from %u to %u", name, value,
                         s->min, s->max);
        *(unsigned *)field = (unsigned)number;
        return true;
    case LEVEL:
        for (enum log_level level = 0; level < LOG_NLEVELS; level++) {
            if (strcmp(value, log_level_names[level]) == 0) {
                *(enum log_level *)field = level;
                return true;
            }
        }
        return fault(ret_error, "%s is \"%s\": give error, warn, info or debug", name, value);
    }
    return false;
}

static bool fault(char **ret_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(ret_error, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    return false;
}

void options_print_help(FILE *out)
{
    fputs(
        "Broadsheet serves news articles with their related articles over HTTP.\n"
        "\n"
        "usage: broadsheet [serve] [FLAG...]\n"
        "       broadsheet import [FLAG...] FILE...    articles from NDJSON files (- is standard\n"
        "                                              input) into the database\n"
        "       broadsheet relate [FLAG...] [--all]    works until the queue of related lists is "
        "empty;\n"
        "                                              --all makes every list again\n"
        "       broadsheet weather [FLAG...] [CITY...] fetches the weather now, and prints it as "
        "JSON;\n"
        "                                              needs no database\n"
        "       broadsheet --help | --version\n"
        "\n"
        "Settings are environment variables; the flag beside each overrides it.\n"
        "\n",
        out);
    for (size_t i = 0; i < NSETTINGS; i++) {
        const struct setting *s = &settings[i];
        fprintf(out, "  %-29s --%-18s %s%s%s%s\n", s->variable, s->flag, s->meaning,
                s->preset != NULL ? " (" : "", s->preset != NULL ? s->preset : "",
                s->preset != NULL ? ")" : "");
    }
    fputs(
        "\n"
        "serve writes its log to stderr, one JSON object per line. After SIGTERM or SIGINT it\n"
        "finishes the requests in flight and exits with 0. A bad setting gives one line that says\n"
        "why, and exit status 2.\n",
        out);
}
