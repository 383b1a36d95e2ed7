#include "fetch/transfer.h"

#include <assert.h>
#include <h2o.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fetch/url.h"

enum { FIRST_ROOM = 4096 };

static void set(CURL *easy, CURLoption option, const char *value);
static void add_condition(struct transfer *transfer, const char *name, const char *value);
static size_t on_body(char *bytes, size_t one, size_t n, void *transfer);
static void copy_header(const struct transfer *transfer, const char *name, char *to, size_t size);
static enum fetch_reason reason_of(const struct transfer *transfer, CURLcode result);
static const char *words_of(const struct transfer *transfer, CURLcode result);
static bool is_tunnel_refused(const struct transfer *transfer);
static bool is_of_proxy(const struct transfer *transfer, CURLcode result, const char *host);

struct transfer *transfer_create(const struct fetcher_config *config, struct fetch *fetch,
                                 const char *url)
{
    struct transfer *transfer = h2o_mem_alloc(sizeof(*transfer));
    *transfer = (struct transfer){.easy = curl_easy_init(), ._max_bytes = config->max_bytes};
    if (transfer->easy == NULL)
        abort(); /* no memory */
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->_error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A thread that resolves a name may take longer than the deadline: nobody waits for it. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)config->timeout_ms + 1000L);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)config->max_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    set(easy, CURLOPT_USERAGENT, config->user_agent);
    set(easy, CURLOPT_URL, url);
    if (config->ca_file != NULL)
        set(easy, CURLOPT_CAINFO, config->ca_file);
    add_condition(transfer, "If-None-Match", fetch->validators.etag);
    add_condition(transfer, "If-Modified-Since", fetch->validators.last_modified);
    if (transfer->_headers != NULL)
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->_headers);
    return transfer;
}

static void set(CURL *easy, CURLoption option, const char *value)
{
    CURLcode code = curl_easy_setopt(easy, option, value);
    assert(code == CURLE_OK);
}

static void add_condition(struct transfer *transfer, const char *name, const char *value)
{
    char header[sizeof("If-Modified-Since: ") + sizeof(((struct fetch_validators *)NULL)->etag)];
    if (value[0] == '\0')
        return;
    snprintf(header, sizeof(header), "%s: %s", name, value);
    struct curl_slist *headers = curl_slist_append(transfer->_headers, header);
    if (headers == NULL)
        abort(); /* no memory */
    transfer->_headers = headers;
}

void transfer_destroy(struct transfer *transfer)
{
    if (transfer == NULL)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->_headers);
    free(transfer->body);
    free(transfer);
}

/* The body of another status than 200 is read, so that the connection can be used again, and not kept. */
static size_t on_body(char *bytes, size_t one, size_t n, void *p)
{
    struct transfer *transfer = p;
    (void)one; /* always 1 */
    if (n > transfer->_max_bytes - transfer->bytes) {
        transfer->is_too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    bool is_kept = transfer_status(transfer) == 200;
    while (is_kept && transfer->_room < transfer->bytes + n) {
        transfer->_room = transfer->_room == 0 ? FIRST_ROOM : 2 * transfer->_room;
        transfer->body = h2o_mem_realloc(transfer->body, transfer->_room);
    }
    if (is_kept)
        memcpy(transfer->body + transfer->bytes, bytes, n);
    transfer->bytes += n;
    return n;
}

long transfer_status(const struct transfer *transfer)
{
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

const char *transfer_location(const struct transfer *transfer)
{
    struct curl_header *header;
    return curl_easy_header(transfer->easy, "Location", 0, CURLH_HEADER, -1, &header) == CURLHE_OK
               ? header->value
               : NULL;
}

void transfer_read_headers(const struct transfer *transfer, struct fetch *fetch)
{
    struct fetch_validators *validators = &fetch->validators;
    curl_off_t retry_after_s = 0;
    long status = transfer_status(transfer);
    if (status == 200) {
        copy_header(transfer, "ETag", validators->etag, sizeof(validators->etag));
        copy_header(transfer, "Last-Modified", validators->last_modified,
                    sizeof(validators->last_modified));
    }
    if (status == 429 || status == 503)
        curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    fetch->retry_after_s = retry_after_s > 0 ? (uint64_t)retry_after_s : 0;
}

static void copy_header(const struct transfer *transfer, const char *name, char *to, size_t size)
{
    struct curl_header *header;
    bool is_there =
        curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
        strlen(header->value) < size;
    snprintf(to, size, "%s", is_there ? header->value : "");
}

enum fetch_reason transfer_failure(const struct transfer *transfer, CURLcode result,
                                   const char *host, char ret_detail[FETCH_DETAIL_SIZE])
{
    const char *words = words_of(transfer, result);
    assert(result != CURLE_OK);
    switch (reason_of(transfer, result)) {
    case FETCH_TOO_LARGE:
        snprintf(ret_detail, FETCH_DETAIL_SIZE, "The answer of %s is larger than %zu KiB.", host,
                 transfer->_max_bytes >> 10);
        return FETCH_TOO_LARGE;
    case FETCH_UNRESOLVED:
        if (result == CURLE_COULDNT_RESOLVE_PROXY)
            snprintf(ret_detail, FETCH_DETAIL_SIZE,
                     "The name of the proxy for %s cannot be resolved: check http_proxy and "
                     "https_proxy.",
                     host);
        else
            snprintf(ret_detail, FETCH_DETAIL_SIZE,
                     "The name %s cannot be resolved: check its spelling, and the DNS of this "
                     "machine.",
                     host);
        return FETCH_UNRESOLVED;
    case FETCH_REFUSED:
        snprintf(ret_detail, FETCH_DETAIL_SIZE, "No connection to %s%s can be made: %s.",
                 is_of_proxy(transfer, result, host) ? "the proxy for " : "", host, words);
        return FETCH_REFUSED;
    case FETCH_TIMEOUT:
        snprintf(ret_detail, FETCH_DETAIL_SIZE, "%s did not answer in time: %s.", host,
                 transfer_phase(transfer));
        return FETCH_TIMEOUT;
    case FETCH_TLS:
        snprintf(ret_detail, FETCH_DETAIL_SIZE, "No secure connection to %s can be made: %s.", host,
                 words);
        return FETCH_TLS;
    default:
        snprintf(ret_detail, FETCH_DETAIL_SIZE,
                 "The answer of %s ended before it was complete, or is not HTTP: %s.", host, words);
        return FETCH_CUT_OFF;
    }
}

static enum fetch_reason reason_of(const struct transfer *transfer, CURLcode result)
{
    if (transfer->is_too_large || result == CURLE_FILESIZE_EXCEEDED)
        return FETCH_TOO_LARGE;
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return FETCH_UNRESOLVED;
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_INTERFACE_FAILED:
        return FETCH_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return FETCH_TIMEOUT;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return FETCH_TLS;
    default:
        return is_tunnel_refused(transfer) ? FETCH_REFUSED : FETCH_CUT_OFF;
    }
}

/* libcurl's words. They may have the address of a proxy, with its user and password: such words are not shown. */
static const char *words_of(const struct transfer *transfer, CURLcode result)
{
    long number = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (result == CURLE_COULDNT_CONNECT && number != 0)
        return strerrordesc_np((int)number);
    bool is_shown = transfer->_error[0] != '\0' && strpbrk(transfer->_error, "@") == NULL &&
                    strstr(transfer->_error, "://") == NULL;
    return is_shown ? transfer->_error : curl_easy_strerror(result);
}

static bool is_tunnel_refused(const struct transfer *transfer)
{
    return strncmp(transfer->_error, "CONNECT tunnel failed", 21) == 0;
}

/* libcurl names the server that it could not reach: the host, or the proxy. */
static bool is_of_proxy(const struct transfer *transfer, CURLcode result, const char *host)
{
    static const char failed[] = "Failed to connect to ", unknown[] = "Unsupported proxy";
    host += host[0] == '['; /* libcurl writes an IPv6 address without brackets */
    return result == CURLE_PROXY || is_tunnel_refused(transfer) ||
           strncmp(transfer->_error, unknown, strlen(unknown)) == 0 ||
           (strncmp(transfer->_error, failed, strlen(failed)) == 0 &&
            strncasecmp(transfer->_error + strlen(failed), host, strcspn(host, "]")) != 0);
}

/* libcurl does not tell a connection from a secure one while TLS begins. */
const char *transfer_phase(const struct transfer *transfer)
{
    curl_off_t named_us = 0, connected_us = 0, started_us = 0;
    char *url = NULL;
    curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &named_us);
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
    curl_easy_getinfo(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T, &started_us);
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (named_us == 0)
        return "its name was not resolved";
    if (connected_us == 0)
        return fetch_url_is_secure(url) ? "no secure connection was made"
                                        : "no connection was made";
    return started_us == 0 ? "no answer came" : "the answer did not come to its end";
}
