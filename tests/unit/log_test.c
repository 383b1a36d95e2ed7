/* A socket that keeps each write(2) apart replaces stderr and receives the lines. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <json-c/json.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/log.h"
#include "tests/support/wait.h"

enum { MAX_LINE = 65536 };

static int catcher, old_stderr;
static char line[MAX_LINE];

static void catch_stderr(void)
{
    int pair[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    catcher = pair[0];
    old_stderr = dup(STDERR_FILENO);
    dup2(pair[1], STDERR_FILENO);
    close(pair[1]);
    setlocale(LC_CTYPE, "C.UTF-8");
}

static void give_stderr_back(void)
{
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    close(catcher);
}

TestSuite(log, .init = catch_stderr, .fini = give_stderr_back, .timeout = 20);

/* The next write to stderr; false where there was none. */
static bool read_line(void)
{
    ssize_t n = recv(catcher, line, sizeof(line) - 1, MSG_DONTWAIT);
    line[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* One line, one JSON object, in strict UTF-8. The caller puts it. */
static json_object *parse_line(void)
{
    size_t length = strlen(line);
    cr_assert(length > 0 && line[length - 1] == '\n', "\"%s\"", line);
    cr_assert_eq(strchr(line, '\n'), line + length - 1, "one line: %s", line);
    cr_assert_neq(mbstowcs(NULL, line, 0), (size_t)-1, "it is not UTF-8");
    struct json_tokener *tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *object = json_tokener_parse_ex(tokener, line, (int)length - 1);
    cr_assert(json_object_is_type(object, json_type_object), "%s", line);
    json_tokener_free(tokener);
    return object;
}

Test(log, writes_one_object_a_line_with_time_level_and_event_first)
{
    log_event(LOG_INFO, "listening", {"address", "[::1]:8080"}, {"threads", "2"});
    cr_assert(read_line());
    json_object_put(parse_line());

    char rest[200];
    int year, month, day, hour, minute, second, ms;
    int n = sscanf(line, "{\"time\":\"%4d-%2d-%2dT%2d:%2d:%2d.%3dZ\",%199[^\n]", &year, &month,
                   &day, &hour, &minute, &second, &ms, rest);
    cr_assert_eq(n, 8, "%s", line);
    cr_expect_str_eq(rest, "\"level\":\"info\",\"event\":\"listening\",\"address\":\"[::1]:8080\","
                           "\"threads\":\"2\"}");
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    cr_expect_lt(labs((long)(timegm(&tm) - time(NULL))), 60, "it is UTC");
    cr_expect_not(read_line(), "there is nothing more");
}

Test(log, leaves_out_a_field_without_text_and_keeps_an_empty_one)
{
    log_event(LOG_ERROR, "odd", {"absent", NULL}, {"empty", ""}, {"last", "x"});
    cr_assert(read_line());
    cr_expect_not_null(strstr(line, "\"event\":\"odd\",\"empty\":\"\",\"last\":\"x\"}"), "%s",
                       line);
}

Test(log, writes_an_event_without_fields)
{
    log_event(LOG_WARN, "bare", {NULL, NULL});
    cr_assert(read_line());
    cr_expect_not_null(strstr(line, "\"level\":\"warn\",\"event\":\"bare\"}"), "%s", line);
}

Test(log, writes_the_events_of_the_set_level_and_above)
{
    for (int least = 0; least < LOG_NLEVELS; least++) {
        log_init((enum log_level)least);
        for (int level = 0; level < LOG_NLEVELS; level++)
            log_event((enum log_level)level, "x", {"level_is", log_level_names[level]});
        for (int level = 0; level <= least; level++) {
            cr_assert(read_line(), "least %d, level %d", least, level);
            cr_expect_not_null(strstr(line, log_level_names[level]));
        }
        cr_expect_not(read_line(), "least %d: %s", least, line);
    }
}

struct bytes {
    char text[24];
};

ParameterizedTestParameters(log, replaces_bytes_that_are_not_utf8)
{
    static struct bytes cases[] = {
        {"\x80"}, /* a continuation byte without a first byte */
        {"a\xff"
         "b"}, /* a byte that UTF-8 does not use */
        {"\xfe\xff"},
        {"\xc3"}, /* incomplete */
        {"\xc3("},
        {"\xe2\x82"},
        {"\xe2\x28\xa1"},
        {"\xf0\x9f\x93"},
        {"\xc0\x80"}, /* overlong */
        {"\xc1\xbf"},
        {"\xe0\x80\x80"},
        {"\xe0\x9f\xbf"},
        {"\xf0\x80\x80\x80"},
        {"\xed\xa0\x80"}, /* half of a surrogate pair */
        {"\xed\xbf\xbf"},
        {"\xf4\x90\x80\x80"}, /* beyond the last character */
        {"\xf8\x88\x80\x80\x80"},
        {"caf\xe9"}, /* Latin-1 */
    };
    return cr_make_param_array(struct bytes, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bytes *c, log, replaces_bytes_that_are_not_utf8)
{
    log_event(LOG_ERROR, "bytes", {"text", c->text}, {"after", "fine"});
    cr_assert(read_line());
    json_object *object = parse_line();
    cr_expect_str_eq(json_object_get_string(json_object_object_get(object, "after")), "fine");
    json_object_put(object);
}

ParameterizedTestParameters(log, does_not_change_other_text)
{
    static struct bytes cases[] = {
        {"plain"},       {"\"quoted\" \\ / {}"},       {"tab\tline\nend\r"}, {"\x01\x1f\x7f"},
        {"caf\xc3\xa9"}, {"\xe6\x97\xa5\xe6\x9c\xac"}, {"\xef\xbf\xbd"},     {"\xf0\x9f\x93\xb0"},
    };
    return cr_make_param_array(struct bytes, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bytes *c, log, does_not_change_other_text)
{
    log_event(LOG_ERROR, "text", {"text", c->text});
    cr_assert(read_line());
    json_object *object = parse_line();
    cr_expect_str_eq(json_object_get_string(json_object_object_get(object, "text")), c->text);
    json_object_put(object);
}

Test(log, cuts_long_text_between_characters)
{
    for (int shift = 0; shift < 4; shift++) {
        char text[4000] = "xxx";
        for (size_t i = (size_t)shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        log_event(LOG_ERROR, "long", {"text", text}, {"after", "fine"});
        cr_assert(read_line());
        json_object *object = parse_line();
        const char *kept = json_object_get_string(json_object_object_get(object, "text"));
        cr_expect_geq(strlen(kept), 200);
        cr_expect_arr_eq(kept, text, strlen(kept) & ~(size_t)3);
        cr_expect_null(strchr(kept, '?'));
        json_object_put(object);
    }
}

Test(log, writes_the_longest_line_in_one_piece)
{
    char text[1024];
    memset(text, '\x01', sizeof(text) - 1); /* six bytes each as JSON */
    text[sizeof(text) - 1] = '\0';
    log_event(LOG_ERROR, "long", {"a", text}, {"b", text}, {"c", text}, {"d", text}, {"e", text},
              {"f", text}, {"g", text}, {"h", text}, {"i", text}, {"j", text}, {"k", text},
              {"l", text}, {"m", text}, {"n", text}, {"o", text});
    cr_assert(read_line());
    json_object *object = parse_line();
    cr_expect_not_null(json_object_object_get(object, "o"));
    json_object_put(object);
    cr_expect_not(read_line());
}

enum { WRITERS = 4, LINES = 300 };

static void *write_lines(void *unused)
{
    (void)unused;
    for (int i = 0; i < LINES; i++)
        log_event(LOG_ERROR, "many", {"text", "a line of several threads at once"});
    return NULL;
}

Test(log, may_be_written_by_many_threads)
{
    pthread_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_lines, NULL), 0);
    for (int i = 0; i < WRITERS * LINES; i++) {
        cr_assert(WAIT_UNTIL(10000, read_line()), "line %d", i);
        json_object_put(parse_line());
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i], NULL);
    cr_expect_not(read_line());
}

/* Asks until one whole second is over that began during the questions. */
struct asked {
    unsigned yes, no, left_out;
};

static _Thread_local struct log_limit limit;

static struct asked ask_for_a_second(void)
{
    unsigned left_out;
    for (unsigned i = 0; i < 20; i++) /* so that the rest of this second leaves out at least one */
        log_may_repeat(&limit, &left_out);
    do
        log_may_repeat(&limit, &left_out);
    while (left_out == 0);
    struct asked asked = {.yes = 1};
    do {
        bool may = log_may_repeat(&limit, &left_out);
        if (left_out == 0) {
            asked.yes += may;
            asked.no += !may;
        }
    } while (left_out == 0);
    asked.left_out = left_out;
    return asked;
}

static void *ask_in_thread(void *asked)
{
    *(struct asked *)asked = ask_for_a_second();
    return NULL;
}

Test(log, may_repeat_ten_times_a_second_in_each_thread_and_counts_the_rest)
{
    struct asked here, there;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, ask_in_thread, &there), 0);
    here = ask_for_a_second();
    pthread_join(thread, NULL);
    cr_expect_eq(here.yes, 10);
    cr_expect_eq(here.left_out, here.no);
    cr_expect_eq(there.yes, 10);
    cr_expect_eq(there.left_out, there.no);
}
