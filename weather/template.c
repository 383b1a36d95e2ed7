#include "weather/template.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/url.h"

static bool copy_value(FILE *out, const char **at, const char *name, const char *value);
static void copy_encoded(FILE *out, const char *value);
static void degrees(char text[32], double value);

char *template_fill(const char *template, const char *name, double latitude, double longitude)
{
    char *text, north[32], east[32];
    size_t bytes;
    bool is_good = true;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        abort(); /* no memory */
    degrees(north, latitude);
    degrees(east, longitude);
    for (const char *at = template; *at != '\0' && is_good;) {
        if (*at != '{' && *at != '}')
            fputc(*at++, out);
        else
            is_good = copy_value(out, &at, "{latitude}", north) ||
                      copy_value(out, &at, "{longitude}", east) ||
                      copy_value(out, &at, "{name}", name);
    }
    if (fclose(out) != 0)
        abort(); /* no memory */
    if (is_good)
        return text;
    free(text);
    return NULL;
}

static bool copy_value(FILE *out, const char **at, const char *name, const char *value)
{
    size_t length = strlen(name);
    if (strncmp(*at, name, length) != 0)
        return false;
    copy_encoded(out, value);
    *at += length;
    return true;
}

static void copy_encoded(FILE *out, const char *value)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    for (const unsigned char *c = (const unsigned char *)value; *c != '\0'; c++) {
        if (strchr(unreserved, *c) != NULL)
            fputc(*c, out);
        else
            fprintf(out, "%%%02X", *c);
    }
}

/* 52.520000 is written as 52.52, and 10.000000 as 10. */
static void degrees(char text[32], double value)
{
    snprintf(text, 32, "%.6f", value);
    char *end = text + strlen(text);
    while (end[-1] == '0')
        *--end = '\0';
    if (end[-1] == '.')
        *--end = '\0';
    if (strcmp(text, "-0") == 0)
        memcpy(text, "0", 2);
}

bool template_is_valid(const char *template, const char **ret_why)
{
    char *url = template_fill(template, "name", 1, 1);
    bool is_valid = url != NULL && fetch_url_is_valid(url, ret_why);
    if (url == NULL)
        *ret_why = "it has a brace that begins none of {latitude}, {longitude} and {name}";
    free(url);
    return is_valid;
}
