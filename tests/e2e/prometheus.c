/* A reader of Prometheus' text format that checks everything.
 *
 *     prometheus_check --> a line: HELP, TYPE --> a new family
 *                                  a sample   --> check_sample --> check_bucket */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/e2e/prometheus.h"

enum { MAX_FAMILIES = 200, MAX_NAME = 100, MAX_LINE = 1000 };

/* One metric and all its samples, in their order. */
struct family {
    char name[MAX_NAME], type[16];
    bool has_help;
    char series[MAX_LINE]; /* the labels of the histogram series that is read, without le */
    double bucket, le;     /* of the last bucket */
};

static void check_sample(struct family *families, size_t n, const char *line);
static size_t labels_end(const char *labels);
static struct family *family_of(struct family *families, size_t n, const char *sample);
static void check_bucket(struct family *family, const char *line, const char *labels, double value);

void prometheus_check(const char *text)
{
    static struct family families[MAX_FAMILIES];
    size_t n = 0;
    memset(families, 0, sizeof(families));
    char *copy = strdup(text), *rest = copy;
    cr_expect(strlen(text) > 0 && text[strlen(text) - 1] == '\n', "the last line is not whole");
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        char name[MAX_NAME], type[16];
        if (*line == '\0')
            continue;
        cr_assert_lt(strlen(line), MAX_LINE);
        if (sscanf(line, "# HELP %99s", name) == 1) {
            cr_assert_lt(n, MAX_FAMILIES);
            snprintf(families[n].name, MAX_NAME, "%s", name);
            families[n++].has_help = true;
        } else if (sscanf(line, "# TYPE %99s %15s", name, type) == 2) {
            cr_assert(n > 0 && strcmp(families[n - 1].name, name) == 0,
                      "a TYPE without its HELP before it: %s", line);
            snprintf(families[n - 1].type, sizeof(type), "%s", type);
        } else {
            check_sample(families, n, line);
        }
    }
    for (size_t i = 0; i < n; i++) {
        cr_expect(strncmp(families[i].name, "broadsheet_", 11) == 0 ||
                      strncmp(families[i].name, "process_", 8) == 0,
                  "%s", families[i].name);
        for (size_t j = 0; j < i; j++)
            cr_expect(strcmp(families[i].name, families[j].name) != 0, "%s comes twice",
                      families[i].name);
    }
    free(copy);
}

/* "name{labels} value" */
static void check_sample(struct family *families, size_t n, const char *line)
{
    char name[MAX_NAME] = "", labels[MAX_LINE] = "", *end;
    size_t length = strcspn(line, "{ ");
    cr_assert_lt(length, sizeof(name), "%s", line);
    memcpy(name, line, length);
    const char *rest = line + length;
    if (*rest == '{') {
        size_t closing = labels_end(rest);
        cr_assert(rest[closing] == '}', "%s", line);
        memcpy(labels, rest + 1, closing - 1);
        rest += closing + 1;
    }
    cr_expect_eq(*rest, ' ', "%s", line);
    double value = strtod(rest + 1, &end);
    cr_expect(end > rest + 1 && *end == '\0' && !isnan(value), "no number: %s", line);

    struct family *family = family_of(families, n, name);
    cr_assert_not_null(family, "a sample without its TYPE: %s", line);
    cr_expect(family->has_help, "a sample without its HELP: %s", line);
    size_t whole = strlen(name);
    cr_expect_eq(strcmp(family->type, "counter") == 0,
                 whole > 6 && strcmp(name + whole - 6, "_total") == 0,
                 "counters, and only they, end in _total: %s", line);
    cr_expect(strcmp(family->type, "gauge") == 0 || value >= 0, "%s", line);
    if (strcmp(family->type, "histogram") != 0)
        return;
    if (strcmp(name + strlen(family->name), "_bucket") == 0)
        check_bucket(family, line, labels, value);
    if (strcmp(name + strlen(family->name), "_count") == 0)
        cr_expect(isinf(family->le) && value == family->bucket,
                  "the count is not the last bucket: %s", line);
}

/* The closing brace; quoted values may have other braces. */
static size_t labels_end(const char *labels)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; labels[i] != '\0' && (is_quoted || labels[i] != '}'); i++) {
        if (is_quoted && labels[i] == '\\' && labels[i + 1] != '\0')
            i++;
        else if (labels[i] == '"')
            is_quoted = !is_quoted;
    }
    return i;
}

static struct family *family_of(struct family *families, size_t n, const char *sample)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(families[i].name);
        if (strncmp(sample, families[i].name, length) != 0)
            continue;
        const char *rest = sample + length;
        bool is_histogram = strcmp(families[i].type, "histogram") == 0;
        if (*rest == '\0' ||
            (is_histogram && (strcmp(rest, "_bucket") == 0 || strcmp(rest, "_sum") == 0 ||
                              strcmp(rest, "_count") == 0)))
            return &families[i];
    }
    return NULL;
}

static void check_bucket(struct family *family, const char *line, const char *labels, double value)
{
    char series[MAX_LINE] = "";
    const char *le = strstr(labels, "le=\"");
    cr_assert_not_null(le, "a bucket without le: %s", line);
    snprintf(series, sizeof(series), "%.*s%s", (int)(le - labels), labels, strchr(le + 4, '"') + 1);
    double bound = strncmp(le + 4, "+Inf", 4) == 0 ? INFINITY : strtod(le + 4, NULL);
    if (strcmp(series, family->series) == 0) {
        cr_expect(bound > family->le, "buckets out of order: %s", line);
        cr_expect(value >= family->bucket, "buckets do not add up: %s", line);
    } else {
        cr_expect(family->series[0] == '\0' || isinf(family->le), "no +Inf bucket before: %s",
                  line);
    }
    memcpy(family->series, series, sizeof(series));
    family->le = bound;
    family->bucket = value;
}

double prometheus_sum(const char *text, const char *name, const char *labels)
{
    double sum = 0;
    bool is_found = false;
    for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t length = strcspn(line, "\n"), name_length = strlen(name);
        char sample[MAX_LINE];
        snprintf(sample, sizeof(sample), "%.*s", (int)length, line);
        if (strncmp(sample, name, name_length) != 0 || !strchr("{ ", sample[name_length]) ||
            strstr(sample, labels) == NULL)
            continue;
        is_found = true;
        sum += strtod(strrchr(sample, ' '), NULL);
    }
    return is_found ? sum : -1;
}
