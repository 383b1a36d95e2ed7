#include <assert.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/options.h"

static const char *const variables[] = {
    "DATABASE_URL",
    "BROADSHEET_LISTEN",
    "BROADSHEET_THREADS",
    "BROADSHEET_DB_CONNECTIONS",
    "BROADSHEET_CACHE_MB",
    "BROADSHEET_MAX_STALE_MS",
    "BROADSHEET_DEADLINE_MS",
    "BROADSHEET_MAX_CONNECTIONS",
    "BROADSHEET_LOG",
    "BROADSHEET_MEMORY_MB",
    "BROADSHEET_RELATED_MS",
    "BROADSHEET_WEATHER_CITIES",
    "BROADSHEET_WEATHER_URL",
    "BROADSHEET_WEATHER_EVERY_S",
    "BROADSHEET_WEATHER_TIMEOUT_MS",
    "BROADSHEET_WEATHER_PARALLEL",
    "BROADSHEET_WEATHER_CONTACT",
    "BROADSHEET_IMPORT_CHUNK",
};

static struct options options;
static char *error;

static void clear_environment(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        unsetenv(variables[i]);
    error = NULL;
}

static void free_error(void)
{
    free(error);
}

TestSuite(options, .init = clear_environment, .fini = free_error);

/* A command line; spaces separate its words. The words exist until the process ends. */
static bool read_line(const char *line)
{
    static char words[512];
    static char *argv[64];
    int argc = 0;
    snprintf(words, sizeof(words), "broadsheet %s", line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    free(error);
    error = NULL;
    return options_read(&options, argc, argv, &error);
}

Test(options, has_a_default_for_all_but_the_database)
{
    setenv("DATABASE_URL", "postgres://u@h/d", 1);
    cr_assert(read_line(""), "%s", error);
    cr_expect_eq(options.command, COMMAND_SERVE);
    cr_expect_eq(options.narguments, 0);
    cr_expect_str_eq(options.database_url, "postgres://u@h/d");
    cr_expect_str_eq(options.listen, "127.0.0.1:8080");
    cr_expect_eq(options.threads, (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
    cr_expect_eq(options.db_connections, 0, "as many as PostgreSQL allows");
    cr_expect_eq(options.cache_mb, 64);
    cr_expect_eq(options.max_stale_ms, 1000);
    cr_expect_eq(options.deadline_ms, 2000);
    cr_expect_eq(options.max_connections, 10000);
    cr_expect_eq(options.log, LOG_INFO);
    cr_expect_eq(options.memory_mb, 256);
    cr_expect_eq(options.related_ms, 250);
    cr_expect_eq(options.import_chunk, 1000);
}

Test(options, takes_every_setting_from_the_environment)
{
    const char *const values[] = {"u",         "[::1]:0", "3",     "4",  "0",    "250",
                                  "500",       "77",      "debug", "16", "1",    "c.json",
                                  "http://w/", "60",      "70",    "80", "me@a", "9"};
    static_assert(sizeof(values) == sizeof(variables), "a value for each");
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        setenv(variables[i], values[i], 1);
    cr_assert(read_line("serve"), "%s", error);
    cr_expect_str_eq(options.database_url, "u");
    cr_expect_str_eq(options.listen, "[::1]:0");
    cr_expect_eq(options.threads, 3);
    cr_expect_eq(options.db_connections, 4);
    cr_expect_eq(options.cache_mb, 0);
    cr_expect_eq(options.max_stale_ms, 250);
    cr_expect_eq(options.deadline_ms, 500);
    cr_expect_eq(options.max_connections, 77);
    cr_expect_eq(options.memory_mb, 16);
    cr_expect_eq(options.related_ms, 1);
    cr_expect_str_eq(options.weather.cities, "c.json");
    cr_expect_str_eq(options.weather.url, "http://w/");
    cr_expect_eq(options.weather.every_s, 60);
    cr_expect_eq(options.weather.timeout_ms, 70);
    cr_expect_eq(options.weather.parallel, 80);
    cr_expect_str_eq(options.weather.contact, "me@a");
    cr_expect_eq(options.import_chunk, 9);
    cr_expect_eq(options.log, LOG_DEBUG);
}

Test(options, prefers_a_flag_to_its_variable)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        setenv(variables[i], "nonsense", 1);
    cr_assert(read_line("--database-url u --listen=:1 --threads 2 --db-connections 64 --cache-mb 9"
                        " --max-stale-ms 100 --deadline-ms 10 --max-connections 5 --log error"
                        " --memory-mb 17 --related-ms 3 --weather-cities c --weather-url h"
                        " --weather-every-s 9 --weather-timeout-ms 10 --weather-parallel 2"
                        " --weather-contact x --import-chunk 8"),
              "%s", error);
    cr_expect_str_eq(options.database_url, "u");
    cr_expect_str_eq(options.listen, ":1");
    cr_expect_eq(options.threads, 2);
    cr_expect_eq(options.db_connections, 64);
    cr_expect_eq(options.cache_mb, 9);
    cr_expect_eq(options.max_stale_ms, 100);
    cr_expect_eq(options.deadline_ms, 10);
    cr_expect_eq(options.max_connections, 5);
    cr_expect_eq(options.memory_mb, 17);
    cr_expect_eq(options.related_ms, 3);
    cr_expect_eq(options.import_chunk, 8);
    cr_expect_eq(options.log, LOG_ERROR);
}

Test(options, prefers_the_last_of_two_equal_flags)
{
    cr_assert(read_line("--database-url u --threads 2 --threads 3"), "%s", error);
    cr_expect_eq(options.threads, 3);
}

struct bad_line {
    char line[80];
    char variable[32], value[40]; /* in the environment; "": none */
    char want[80];                /* is part of the error */
};

ParameterizedTestParameters(options, describes_an_error_in_one_line)
{
    static struct bad_line cases[] = {
        {"", "", "", "DATABASE_URL is not set"},
        {"", "DATABASE_URL", "", "DATABASE_URL is not set"},
        {"serve", "", "", "DATABASE_URL is not set"},
        {"import a.ndjson", "", "", "DATABASE_URL is not set"},
        {"--database-url u --threads 0", "", "", "--threads is \"0\""},
        {"--database-url u --threads 257", "", "", "--threads is \"257\""},
        {"--database-url u --threads two", "", "", "--threads is \"two\""},
        {"--database-url u --threads -1", "", "", "--threads is \"-1\""},
        {"--database-url u --threads +1", "", "", "--threads is \"+1\""},
        {"--database-url u --threads 1.5", "", "", "--threads is \"1.5\""},
        {"--database-url u --threads 0x2", "", "", "--threads is \"0x2\""},
        {"--database-url u --threads=", "", "", "--threads is \"\""},
        {"--database-url u --threads 4294967297", "", "", "whole number from 1 to 256"},
        {"--database-url u --threads 18446744073709551617", "", "", "whole number from 1 to 256"},
        {"--database-url u --db-connections 0", "", "", "--db-connections is \"0\""},
        {"--database-url u --db-connections 65", "", "", "from 1 to 64"},
        {"--database-url u --cache-mb 1048577", "", "", "--cache-mb is"},
        {"--database-url u --max-stale-ms 99", "", "", "from 100 to 60000"},
        {"--database-url u --max-stale-ms 60001", "", "", "--max-stale-ms is \"60001\""},
        {"--database-url u --deadline-ms 9", "", "", "from 10 to 600000"},
        {"--database-url u --max-connections 0", "", "", "--max-connections is \"0\""},
        {"--database-url u --log loud", "", "", "--log is \"loud\""},
        {"--database-url u --log INFO", "", "", "error, warn, info or debug"},
        {"--database-url u", "BROADSHEET_THREADS", "", "BROADSHEET_THREADS is \"\""},
        {"--database-url u", "BROADSHEET_THREADS", "8 ", "BROADSHEET_THREADS is \"8 \""},
        {"--database-url u", "BROADSHEET_THREADS", " 8", "BROADSHEET_THREADS is \" 8\""},
        {"--database-url u", "BROADSHEET_DEADLINE_MS", "2s", "BROADSHEET_DEADLINE_MS is \"2s\""},
        {"--database-url u", "BROADSHEET_LOG", "", "BROADSHEET_LOG is \"\""},
        {"--database-url u --fast", "", "", "there is no flag --fast"},
        {"--database-url u -x", "", "", "there is no flag -x"},
        {"-xy", "", "", "there is no flag -x"},
        {"--help=yes", "", "", "--help"},
        {"--threads", "", "", "--threads needs a value"},
        {"--database-url u publish", "", "", "there is no command \"publish\""},
        {"--database-url u serve me", "", "", "serve takes no argument"},
        {"--database-url u import", "", "", "import needs a file"},
        {"--database-url u relate all", "", "", "relate takes no argument"},
        {"--database-url u serve --all", "", "", "--all belongs to broadsheet relate"},
        {"weather", "", "", "BROADSHEET_WEATHER_CITIES is not set"},
        {"weather", "BROADSHEET_WEATHER_CITIES", "", "BROADSHEET_WEATHER_CITIES is not set"},
        {"--database-url u --weather-parallel 0", "", "", "from 1 to 4096"},
    };
    return cr_make_param_array(struct bad_line, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_line *c, options, describes_an_error_in_one_line)
{
    if (c->variable[0] != '\0')
        setenv(c->variable, c->value, 1);
    cr_assert_not(read_line(c->line), "%s", c->line);
    cr_expect_not_null(strstr(error, c->want), "%s: %s", c->line, error);
    cr_expect_null(strchr(error, '\n'), "%s", error);
}

Test(options, has_the_files_of_an_import_in_their_order)
{
    cr_assert(read_line("import a.ndjson --database-url u b.ndjson -"), "%s", error);
    cr_assert_eq(options.command, COMMAND_IMPORT);
    cr_assert_eq(options.narguments, 3);
    cr_expect_str_eq(options.arguments[0], "a.ndjson");
    cr_expect_str_eq(options.arguments[1], "b.ndjson");
    cr_expect_str_eq(options.arguments[2], "-");
}

Test(options, know_whether_every_list_is_made_again)
{
    cr_assert(read_line("relate --database-url u"), "%s", error);
    cr_assert_eq(options.command, COMMAND_RELATE);
    cr_expect_not(options.relate_all);
    cr_assert(read_line("relate --all --database-url u"), "%s", error);
    cr_expect(options.relate_all);
}

Test(options, needs_no_database_for_the_weather)
{
    cr_assert(read_line("weather --weather-cities c.json Oslo Rome"), "%s", error);
    cr_assert_eq(options.command, COMMAND_WEATHER);
    cr_assert_eq(options.narguments, 2);
    cr_expect_str_eq(options.arguments[1], "Rome");
    cr_expect_str_eq(options.weather.cities, "c.json");
    cr_expect_str_eq(options.weather.url, WEATHER_DEFAULT_URL);
    cr_expect_eq(options.weather.every_s, 3600);
    cr_expect_eq(options.weather.timeout_ms, 10000);
    cr_expect_eq(options.weather.parallel, 64);
    cr_expect_null(options.weather.contact);
}

Test(options, accepts_a_file_that_looks_like_a_flag_after_two_hyphens)
{
    cr_assert(read_line("--database-url u import -- --threads"), "%s", error);
    cr_assert_eq(options.narguments, 1);
    cr_expect_str_eq(options.arguments[0], "--threads");
}

Test(options, prints_the_help_even_when_other_options_are_wrong)
{
    setenv("BROADSHEET_THREADS", "nonsense", 1);
    cr_expect(read_line("--help"));
    cr_expect_eq(options.command, COMMAND_HELP);
    cr_expect(read_line("-h"));
    cr_expect_eq(options.command, COMMAND_HELP);
    cr_expect(read_line("import --help"));
    cr_expect_eq(options.command, COMMAND_HELP);
    cr_expect(read_line("--version"));
    cr_expect_eq(options.command, COMMAND_VERSION);
}

Test(options, prints_every_setting_in_the_help)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    options_print_help(out);
    fclose(out);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        cr_expect_not_null(strstr(text, variables[i]), "%s", variables[i]);
    for (char *l = strtok(text, "\n"); l != NULL; l = strtok(NULL, "\n"))
        cr_expect_leq(strlen(l), 120, "%s", l);
    free(text);
}
