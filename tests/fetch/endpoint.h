/* tests/fetch/endpoint.h - an HTTP endpoint on this machine that fails in every way on request.
 *
 * It runs in threads of the test's process, one for each connection, and answers by the path:
 *
 *     /ok                  200, a short body             /slow?ms=N       the same after N ms
 *     /together?n=N        200, once N requests wait
 *     /hang                never answers                 /drip            a byte every 10 ms, without end
 *     /cut                 less than it promised         /close           closes without an answer
 *     /garbage             bytes that are not HTTP       /gzip            200, compressed
 *     /bomb                compressed: 8 MiB of zeros    /huge            chunks without end
 *     /long                promises 2 MiB                /status?code=N   this status; &retry=N: Retry-After
 *     /chain?n=N           N redirects, then /ok         /to?url=URL      redirects to the URL, as it is
 *                                                        &large=1: with a body of 2 MiB; &cut=1: cut off
 *     /nowhere             302 without Location          /tagged          ETag "t1", 304 for it
 *     /dated               Last-Modified, 304 for it     /weather         a document of Open-Meteo
 *     /tagged-drip         200 with an ETag, and never its end
 *     /weather-tagged      the same with an ETag         /failing            500 while endpoint_set_failing()
 *
 * Every address 127.x.y.z reaches it, and each counts as a host of its own. */
#ifndef TESTS_FETCH_ENDPOINT_H
#define TESTS_FETCH_ENDPOINT_H

#include <stdbool.h>

struct endpoint;

/* certificate, key: files; with them it speaks TLS. NULL: it does not. */
struct endpoint *endpoint_start(const char *certificate, const char *key);
void endpoint_stop(struct endpoint *endpoint);

/* An address of it; the caller frees it. host: such as "127.0.0.1" or "user:secret@127.0.0.1". */
char *endpoint_url(const struct endpoint *endpoint, const char *host, const char *path);

unsigned endpoint_requests(struct endpoint *endpoint);
unsigned endpoint_most(struct endpoint *endpoint); /* requests at the same time, so far */
unsigned endpoint_connections(struct endpoint *endpoint);

/* The head of the newest request; the caller frees it. */
char *endpoint_head(struct endpoint *endpoint);

/* retry_after_s: 0: it asks for no pause. */
void endpoint_set_failing(struct endpoint *endpoint, bool is_failing, long retry_after_s);

#endif
