#include "weather/settings.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weather/template.h"

enum { MAX_CONTACT_BYTES = 200 };

static bool is_contact(const char *text);
static char *add_line(char *lines, const char *format, const char *text)
    __attribute__((format(printf, 2, 0)));

bool weather_settings_read(const struct weather_settings *settings, struct cities *cities,
                           char **ret_errors)
{
    const char *why;
    char *errors = NULL;
    assert(settings->cities != NULL);
    if (!template_is_valid(settings->url, &why))
        errors = add_line(errors, "BROADSHEET_WEATHER_URL is wrong: %s", why);
    if (settings->contact != NULL && !is_contact(settings->contact))
        errors = add_line(errors, "BROADSHEET_WEATHER_CONTACT is wrong: %s",
                          "give an e-mail or web address of at most 200 characters, without "
                          "brackets");
    /* A wrong template would be reported again for each city. */
    const char *template = template_is_valid(settings->url, &why) ? settings->url : "http://host/";
    char *more;
    if (!cities_read(cities, settings->cities, template, &more)) {
        errors = add_line(errors, "%s", more);
        free(more);
    } else if (errors != NULL) {
        cities_finish(cities);
    }
    *ret_errors = errors;
    return errors == NULL;
}

/* Frees the lines before. */
static char *add_line(char *lines, const char *format, const char *text)
{
    char *line, *all;
    int length = asprintf(&line, format, text);
    assert(length >= 0);
    length = asprintf(&all, "%s%s%s", lines != NULL ? lines : "", lines != NULL ? "\n" : "", line);
    assert(length >= 0);
    free(line);
    free(lines);
    return all;
}

/* It becomes a comment in the User-Agent (RFC 9110, section 10.1.5). */
static bool is_contact(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e || strchr("()\\", *c) != NULL)
            return false;
    }
    return strlen(text) <= MAX_CONTACT_BYTES;
}

void weather_user_agent(const struct weather_settings *settings,
                        char ret_text[WEATHER_USER_AGENT_SIZE])
{
    bool has_contact = settings->contact != NULL && settings->contact[0] != '\0';
    snprintf(ret_text, WEATHER_USER_AGENT_SIZE, "broadsheet/" BROADSHEET_VERSION "%s%s%s",
             has_contact ? " (" : "", has_contact ? settings->contact : "", has_contact ? ")" : "");
}
