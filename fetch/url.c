#include "fetch/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch/fetch.h"

static bool has_scheme(const char *url, const char *scheme);

bool fetch_url_is_valid(const char *url, const char **ret_why)
{
    const char *why = NULL;
    char *host = NULL;
    CURLU *parts = curl_url();
    if (parts == NULL)
        abort(); /* no memory */
    CURLUcode code = CURLUE_OK;
    if (!has_scheme(url, "http://") && !has_scheme(url, "https://"))
        why = "give an address that begins with http:// or https://";
    else if (strlen(url) > FETCH_URL_MAX_BYTES)
        why = "give an address of at most 2000 bytes";
    else if ((code = curl_url_set(parts, CURLUPART_URL, url, 0)) != CURLUE_OK ||
             (code = curl_url_get(parts, CURLUPART_HOST, &host, 0)) != CURLUE_OK)
        why = curl_url_strerror(code);
    curl_free(host);
    curl_url_cleanup(parts);
    if (why != NULL)
        *ret_why = why;
    return why == NULL;
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

bool fetch_url_is_secure(const char *url)
{
    return has_scheme(url, "https://");
}
