#include "fetch/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/fetch.h"

static bool is_ascii(const char *host);
static bool has_scheme(const char *url, const char *scheme);
static bool is_same(CURLU *one, CURLU *other, CURLUPart part);
static void copy_part(CURLU *from, CURLU *to, CURLUPart part);

bool fetch_url_is_valid(const char *url, const char **ret_why)
{
    const char *why = NULL;
    char *host = NULL;
    CURLU *parts = curl_url();
    if (parts == NULL)
        abort(); /* no memory */
    CURLUcode code = CURLUE_OK;
    if (!fetch_url_is_web(url))
        why = "give an address that begins with http:// or https://";
    else if (strlen(url) > FETCH_URL_MAX_BYTES)
        why = "give an address of at most 2000 bytes";
    else if ((code = curl_url_set(parts, CURLUPART_URL, url, 0)) != CURLUE_OK ||
             (code = curl_url_get(parts, CURLUPART_HOST, &host, 0)) != CURLUE_OK)
        why = curl_url_strerror(code);
    else if (!is_ascii(host))
        why = "write the host in ASCII, with xn-- where it has other letters";
    curl_free(host);
    curl_url_cleanup(parts);
    if (why != NULL)
        *ret_why = why;
    return why == NULL;
}

static bool is_ascii(const char *host)
{
    if (strlen(host) >= FETCH_HOST_SIZE)
        return false;
    for (; *host != '\0'; host++) {
        if (*host <= 0x20 || *host >= 0x7f)
            return false;
    }
    return true;
}

static bool has_scheme(const char *url, const char *scheme)
{
    return strncasecmp(url, scheme, strlen(scheme)) == 0;
}

void fetch_url_host(const char *url, char ret_host[FETCH_HOST_SIZE])
{
    char *host = NULL;
    CURLU *parts = curl_url();
    if (parts == NULL)
        abort(); /* no memory */
    bool is_known = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                    curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    snprintf(ret_host, FETCH_HOST_SIZE, "%s", is_known ? host : "the host");
    for (char *c = ret_host; *c != '\0'; c++) {
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    curl_free(host);
    curl_url_cleanup(parts);
}

bool fetch_url_is_web(const char *url)
{
    return has_scheme(url, "http://") || has_scheme(url, "https://");
}

bool fetch_url_is_secure(const char *url)
{
    return has_scheme(url, "https://");
}

char *fetch_url_resolve(const char *base, const char *location)
{
    enum { FLAGS = CURLU_URLENCODE | CURLU_ALLOW_SPACE | CURLU_NON_SUPPORT_SCHEME };
    char *url = NULL, *copy = NULL;
    CURLU *from = curl_url(), *to = curl_url();
    if (from == NULL || to == NULL)
        abort(); /* no memory */
    bool is_url = curl_url_set(from, CURLUPART_URL, base, 0) == CURLUE_OK &&
                  curl_url_set(to, CURLUPART_URL, base, 0) == CURLUE_OK &&
                  curl_url_set(to, CURLUPART_URL, location, FLAGS) == CURLUE_OK;
    if (is_url && is_same(from, to, CURLUPART_SCHEME) && is_same(from, to, CURLUPART_HOST) &&
        is_same(from, to, CURLUPART_PORT)) {
        copy_part(from, to, CURLUPART_USER);
        copy_part(from, to, CURLUPART_PASSWORD);
    }
    if (is_url && curl_url_get(to, CURLUPART_URL, &url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
        copy = strdup(url);
        if (copy == NULL)
            abort(); /* no memory */
    }
    curl_free(url);
    curl_url_cleanup(from);
    curl_url_cleanup(to);
    return copy;
}

static bool is_same(CURLU *one, CURLU *other, CURLUPart part)
{
    char *a = NULL, *b = NULL;
    bool is = curl_url_get(one, part, &a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              curl_url_get(other, part, &b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
              strcasecmp(a, b) == 0;
    curl_free(a);
    curl_free(b);
    return is;
}

/* If `to` does not have it. */
static void copy_part(CURLU *from, CURLU *to, CURLUPart part)
{
    char *own = NULL, *other = NULL;
    if (curl_url_get(to, part, &own, 0) != CURLUE_OK &&
        curl_url_get(from, part, &other, 0) == CURLUE_OK)
        curl_url_set(to, part, other, 0); /* it is encoded already */
    curl_free(own);
    curl_free(other);
}
