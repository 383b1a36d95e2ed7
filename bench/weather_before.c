/* bench/weather_before.c - fetches the weather of many cities one after the other, as a blocking program does. For the
 * benchmark; not in the product.
 *
 *     the cities --> for each: request, wait, read the document --> how many were good
 *
 * usage: weather_before CITIES      a JSON file as for BROADSHEET_WEATHER_CITIES; each city has an address of its own
 *
 * Prints {"good": N, "seconds": S}. It keeps its connections, which is the best that a blocking loop can do. */
#include <curl/curl.h>
#include <h2o.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "weather/cities.h"
#include "weather/reading.h"

enum { MAX_BYTES = 1 << 20, TIMEOUT_S = 10 };

struct body {
    size_t bytes;
    char text[MAX_BYTES];
};

static bool fetch(CURL *easy, const char *url, struct body *body);
static size_t on_body(char *bytes, size_t one, size_t n, void *body);

int main(int argc, char **argv)
{
    struct cities cities;
    char *errors;
    if (argc != 2) {
        fprintf(stderr, "usage: weather_before CITIES\n");
        return 2;
    }
    if (!cities_read(&cities, argv[1], "http://127.0.0.1/", &errors)) {
        fprintf(stderr, "weather_before: %s\n", errors);
        return 2;
    }
    static struct body body;
    size_t good = 0;
    uint64_t began_us = clock_us();
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    for (size_t i = 0; i < cities.n; i++)
        good += fetch(easy, cities.city[i].url, &body);
    curl_easy_cleanup(easy);
    printf("{\"good\": %zu, \"seconds\": %.4f}\n", good, (double)(clock_us() - began_us) / 1e6);
    cities_finish(&cities);
    return 0;
}

static bool fetch(CURL *easy, const char *url, struct body *body)
{
    struct reading reading;
    char fault[READING_DETAIL_SIZE];
    long status = 0;
    body->bytes = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    if (curl_easy_perform(easy) != CURLE_OK)
        return false;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 && reading_parse(&reading, body->text, body->bytes, fault) == READING_OK;
}

static size_t on_body(char *bytes, size_t one, size_t n, void *p)
{
    struct body *body = p;
    (void)one; /* always 1 */
    if (n > MAX_BYTES - body->bytes)
        return CURL_WRITEFUNC_ERROR;
    memcpy(body->text + body->bytes, bytes, n);
    body->bytes += n;
    return n;
}
