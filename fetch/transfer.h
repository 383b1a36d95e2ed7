/* fetch/transfer.h - one request and its answer: a fetch without redirects is one transfer.
 *
 * One thread. */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "fetch/fetch.h"
#include "fetch/fetcher.h"

struct transfer {
    CURL *easy; /* its private pointer is the fetch */
    char *body; /* of an answer with status 200 */
    size_t bytes;
    bool is_too_large;

    size_t _room, _max_bytes;
    struct curl_slist *_headers;
    char _error[CURL_ERROR_SIZE];
};

/* For the URL that the fetch is at now. config: lent for the call, its texts until transfer_destroy(). */
struct transfer *transfer_create(const struct fetcher_config *config, struct fetch *fetch,
                                 const char *url);
void transfer_destroy(struct transfer *transfer);

/* The status that has arrived, or 0. */
long transfer_status(const struct transfer *transfer);

/* The header Location, or NULL. Lent by the transfer. */
const char *transfer_location(const struct transfer *transfer);

/* Sets the validators of an answer with status 200, and the pause that any answer asks for. */
void transfer_read_headers(const struct transfer *transfer, struct fetch *fetch);

/* Why it ended without a whole answer. Writes a sentence about the host. result: not CURLE_OK. */
enum fetch_reason transfer_failure(const struct transfer *transfer, CURLcode result,
                                   const char *host, char ret_detail[FETCH_DETAIL_SIZE]);

/* What it waited for when its deadline passed, such as "no connection was made". Static text. */
const char *transfer_phase(const struct transfer *transfer);

#endif
