#include "weather/settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "weather/template.h"

enum { MAX_CONTACT_BYTES = 200 };

static bool is_contact(const char *text);
static bool refuse(char **ret_errors, const char *variable, const char *why);

bool weather_settings_read(const struct weather_settings *settings, struct cities *cities,
                           char **ret_errors)
{
    const char *why;
    assert(settings->cities != NULL);
    if (!template_is_valid(settings->url, &why))
        return refuse(ret_errors, "BROADSHEET_WEATHER_URL", why);
    if (settings->contact != NULL && !is_contact(settings->contact))
        return refuse(ret_errors, "BROADSHEET_WEATHER_CONTACT",
                      "give an e-mail or web address of at most 200 characters, without brackets");
    return cities_read(cities, settings->cities, settings->url, ret_errors);
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

static bool refuse(char **ret_errors, const char *variable, const char *why)
{
    int length = asprintf(ret_errors, "%s is wrong: %s", variable, why);
    assert(length >= 0);
    return false;
}

void weather_user_agent(const struct weather_settings *settings,
                        char ret_text[WEATHER_USER_AGENT_SIZE])
{
    bool has_contact = settings->contact != NULL && settings->contact[0] != '\0';
    snprintf(ret_text, WEATHER_USER_AGENT_SIZE, "broadsheet/" BROADSHEET_VERSION "%s%s%s",
             has_contact ? " (" : "", has_contact ? settings->contact : "", has_contact ? ")" : "");
}
