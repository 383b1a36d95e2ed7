/*     cities_read --> the file --> cities_parse --> read_city, read_city ... --> sort --> find doubles     */
#include "weather/cities.h"

#include <errno.h>
#include <h2o.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/utf8.h"
#include "fetch/url.h"
#include "weather/template.h"

enum { MAX_ERRORS = 20, MAX_DEPTH = 16 };

/* The faults that were found so far. */
struct faults {
    const char *file;
    FILE *out; /* writes text */
    char *text;
    size_t bytes, n;
};

static char *read_file(const char *file, size_t *ret_bytes, struct faults *faults);
static void parse(struct cities *cities, const char *text, size_t bytes, const char *template,
                  struct faults *faults);
static json_object *parse_json(const char *text, size_t bytes, struct faults *faults);
static void fault_at(struct faults *faults, const char *text, size_t at, const char *what);
static void read_city(struct city *city, json_object *object, size_t number, const char *template,
                      struct faults *faults);
static void read_name(struct city *city, json_object *object, size_t number, struct faults *faults);
static bool has_control(const char *text);
static void read_degrees(double *value, json_object *object, const char *key, double limit,
                         size_t number, struct faults *faults);
static void read_url(struct city *city, json_object *object, size_t number, const char *template,
                     struct faults *faults);
static void sort(struct cities *cities);
static void find_doubles(const struct cities *cities, struct faults *faults);
static void begin_faults(struct faults *faults, const char *file);
static void fault(struct faults *faults, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool end_faults(struct faults *faults, struct cities *cities, char **ret_errors);

bool cities_read(struct cities *cities, const char *file, const char *template, char **ret_errors)
{
    struct faults faults;
    size_t bytes;
    begin_faults(&faults, file);
    *cities = (struct cities){.n = 0};
    char *text = read_file(file, &bytes, &faults);
    if (text != NULL)
        parse(cities, text, bytes, template, &faults);
    free(text);
    return end_faults(&faults, cities, ret_errors);
}

bool cities_parse(struct cities *cities, const char *file, const char *text, size_t bytes,
                  const char *template, char **ret_errors)
{
    struct faults faults;
    begin_faults(&faults, file);
    *cities = (struct cities){.n = 0};
    parse(cities, text, bytes, template, &faults);
    return end_faults(&faults, cities, ret_errors);
}

/* NULL: it can't be read. */
static char *read_file(const char *file, size_t *ret_bytes, struct faults *faults)
{
    FILE *in = fopen(file, "re");
    if (in == NULL) {
        fault(faults, "the file of cities cannot be opened: %s", strerror(errno));
        return NULL;
    }
    char *text = h2o_mem_alloc(CITIES_MAX_FILE_BYTES + 1);
    *ret_bytes = fread(text, 1, CITIES_MAX_FILE_BYTES + 1, in);
    bool has_failed = ferror(in) != 0, is_too_large = *ret_bytes > CITIES_MAX_FILE_BYTES;
    if (has_failed)
        fault(faults, "the file of cities cannot be read: %s", strerror(errno));
    else if (is_too_large)
        fault(faults, "the file of cities is larger than %d MiB", CITIES_MAX_FILE_BYTES >> 20);
    fclose(in);
    if (!has_failed && !is_too_large)
        return text;
    free(text);
    return NULL;
}

static void parse(struct cities *cities, const char *text, size_t bytes, const char *template,
                  struct faults *faults)
{
    json_object *list = parse_json(text, bytes, faults);
    if (list == NULL)
        return;
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0) {
        fault(faults, "give a JSON list of cities, such as "
                      "[{\"name\": \"Berlin\", \"latitude\": 52.52, \"longitude\": 13.41}]");
    } else if (json_object_array_length(list) > CITIES_MAX) {
        fault(faults, "%zu cities are too many: %d is the limit", json_object_array_length(list),
              CITIES_MAX);
    } else {
        cities->n = json_object_array_length(list);
        cities->city = h2o_mem_alloc(cities->n * sizeof(cities->city[0]));
        memset(cities->city, 0, cities->n * sizeof(cities->city[0]));
        for (size_t i = 0; i < cities->n; i++)
            read_city(&cities->city[i], json_object_array_get_idx(list, i), i + 1, template,
                      faults);
        sort(cities);
        find_doubles(cities, faults);
    }
    json_object_put(list);
}

/* NULL: it is not JSON. */
static json_object *parse_json(const char *text, size_t bytes, struct faults *faults)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    size_t characters, mark = sizeof(byte_order_mark) - 1;
    if (bytes >= mark && memcmp(text, byte_order_mark, mark) == 0) {
        text += mark;
        bytes -= mark;
    }
    if (!utf8_count(text, bytes, &characters)) {
        fault(faults, "the file of cities is not text in UTF-8");
        return NULL;
    }
    json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    if (tokener == NULL)
        abort(); /* no memory */
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    json_object *list = json_tokener_parse_ex(tokener, text, (int)bytes);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    size_t at = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (error == json_tokener_success && list == NULL) /* null */
        fault(faults, "give a JSON list of cities, and not null");
    if (error == json_tokener_success)
        return list; /* strict: nothing but white space follows */
    fault_at(faults, text, at,
             error == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(error));
    json_object_put(list);
    return NULL;
}

static void fault_at(struct faults *faults, const char *text, size_t at, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        column = text[i] == '\n' ? 1 : column + 1;
        line += text[i] == '\n';
    }
    fault(faults, "line %zu, column %zu: not JSON: %s", line, column, what);
}

static void read_city(struct city *city, json_object *object, size_t number, const char *template,
                      struct faults *faults)
{
    if (!json_object_is_type(object, json_type_object)) {
        fault(faults, "city %zu: give an object with name, latitude and longitude", number);
        return;
    }
    read_name(city, object, number, faults);
    read_degrees(&city->latitude, object, "latitude", 90, number, faults);
    read_degrees(&city->longitude, object, "longitude", 180, number, faults);
    read_url(city, object, number, template, faults);
}

static void read_name(struct city *city, json_object *object, size_t number, struct faults *faults)
{
    json_object *value = json_object_object_get(object, "name");
    if (!json_object_is_type(value, json_type_string)) {
        fault(faults, "city %zu: name is missing, or is not a text", number);
        return;
    }
    const char *text = json_object_get_string(value);
    size_t bytes = (size_t)json_object_get_string_len(value), characters;
    struct name name;
    if (!utf8_count(text, bytes, &characters) || has_control(text)) {
        fault(faults, "city %zu: name has a control character", number);
        return;
    }
    if (strchr(text, ',') != NULL) {
        fault(faults, "city %zu: name has a comma, which divides the names of a request", number);
        return;
    }
    switch (name_clean(&name, text, bytes)) {
    case NAME_OK:
        city->name = h2o_strdup(NULL, name.data, name.bytes).base;
        return;
    case NAME_EMPTY:
        fault(faults, "city %zu: name is empty", number);
        return;
    case NAME_TOO_LONG:
        fault(faults, "city %zu: name has more than %d characters", number, NAME_MAX_CHARACTERS);
        return;
    }
}

/* A line of the log or of stderr names the city. */
static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

static void read_degrees(double *value, json_object *object, const char *key, double limit,
                         size_t number, struct faults *faults)
{
    json_object *found = json_object_object_get(object, key);
    bool is_number =
        json_object_is_type(found, json_type_double) || json_object_is_type(found, json_type_int);
    double degrees = is_number ? json_object_get_double(found) : 0;
    if (!is_number)
        fault(faults, "city %zu: %s is missing, or is not a number", number, key);
    else if (!(degrees >= -limit && degrees <= limit))
        fault(faults, "city %zu: %s is %s: give degrees from %g to %g", number, key,
              json_object_get_string(found), -limit, limit);
    else
        *value = degrees;
}

static void read_url(struct city *city, json_object *object, size_t number, const char *template,
                     struct faults *faults)
{
    json_object *value = json_object_object_get(object, "url");
    const char *why;
    const char *name = city->name != NULL ? city->name : "without a name";
    if (value == NULL && city->name == NULL)
        return; /* the template needs it */
    if (value == NULL) {
        city->url = template_fill(template, city->name, city->latitude, city->longitude);
        if (city->url == NULL || !fetch_url_is_valid(city->url, &why))
            fault(faults, "city %zu (%s): its address by BROADSHEET_WEATHER_URL is wrong: %s",
                  number, name,
                  city->url == NULL ? "it has a { or } that belongs to no name" : why);
        return;
    }
    const char *url = json_object_get_string(value);
    if (!json_object_is_type(value, json_type_string))
        fault(faults, "city %zu (%s): url is not a text", number, name);
    else if (strlen(url) != (size_t)json_object_get_string_len(value) ||
             !fetch_url_is_valid(url, &why))
        fault(faults, "city %zu (%s): url is wrong: %s", number, name,
              strlen(url) != (size_t)json_object_get_string_len(value) ? "it has a NUL" : why);
    else
        city->url = h2o_strdup(NULL, url, SIZE_MAX).base;
}

/* Cities without a name, which are faults, come first. */
static int compare(const void *one, const void *other, void *city)
{
    const struct city *cities = city;
    const char *a = cities[*(const size_t *)one].name, *b = cities[*(const size_t *)other].name;
    int order = strcmp(a != NULL ? a : "", b != NULL ? b : "");
    if (order != 0)
        return order;
    return *(const size_t *)one < *(const size_t *)other ? -1 : 1;
}

static void sort(struct cities *cities)
{
    cities->_by_name = h2o_mem_alloc(cities->n * sizeof(cities->_by_name[0]));
    for (size_t i = 0; i < cities->n; i++)
        cities->_by_name[i] = i;
    qsort_r(cities->_by_name, cities->n, sizeof(cities->_by_name[0]), compare, cities->city);
}

static void find_doubles(const struct cities *cities, struct faults *faults)
{
    for (size_t i = 1; i < cities->n; i++) {
        size_t one = cities->_by_name[i - 1], other = cities->_by_name[i];
        const char *name = cities->city[one].name;
        if (name != NULL && strcmp(name, cities->city[other].name) == 0)
            fault(faults, "city %zu: city %zu has the name \"%s\" already", other + 1, one + 1,
                  name);
    }
}

void cities_finish(struct cities *cities)
{
    for (size_t i = 0; i < cities->n; i++) {
        free(cities->city[i].name);
        free(cities->city[i].url);
    }
    free(cities->city);
    free(cities->_by_name);
    *cities = (struct cities){.n = 0};
}

long cities_find(const struct cities *cities, const char *name, size_t bytes)
{
    for (size_t from = 0, to = cities->n; from < to;) {
        size_t middle = from + (to - from) / 2, index = cities->_by_name[middle];
        const char *other = cities->city[index].name;
        int order = strncmp(other, name, bytes);
        if (order == 0 && other[bytes] != '\0')
            order = 1;
        if (order == 0)
            return (long)index;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return CITIES_NONE;
}

long cities_find_any(const struct cities *cities, const char *text)
{
    struct name name;
    size_t characters, bytes = strlen(text);
    if (!utf8_count(text, bytes, &characters) || name_clean(&name, text, bytes) != NAME_OK)
        return CITIES_NONE;
    return cities_find(cities, name.data, name.bytes);
}

/* ---- the faults */

static void begin_faults(struct faults *faults, const char *file)
{
    *faults = (struct faults){.file = file};
    faults->out = open_memstream(&faults->text, &faults->bytes);
    if (faults->out == NULL)
        abort(); /* no memory */
}

static void fault(struct faults *faults, const char *format, ...)
{
    va_list arguments;
    if (++faults->n > MAX_ERRORS)
        return;
    fprintf(faults->out, "%s%s: ", faults->n > 1 ? "\n" : "", faults->file);
    va_start(arguments, format);
    vfprintf(faults->out, format, arguments);
    va_end(arguments);
}

/* True: there was none. */
static bool end_faults(struct faults *faults, struct cities *cities, char **ret_errors)
{
    if (faults->n > MAX_ERRORS)
        fprintf(faults->out, "\n%s: and %zu more faults", faults->file, faults->n - MAX_ERRORS);
    if (fclose(faults->out) != 0)
        abort(); /* no memory */
    if (faults->n == 0) {
        free(faults->text);
        return true;
    }
    cities_finish(cities);
    *ret_errors = faults->text;
    return false;
}
