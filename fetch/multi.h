/* fetch/multi.h - libcurl's multi interface on an event loop.
 *
 * One thread. */
#ifndef FETCH_MULTI_H
#define FETCH_MULTI_H

#include <curl/curl.h>

#include "base/timer.h"

struct multi;

/* A transfer that multi_add() started has ended. It is not in the multi any more. */
typedef void multi_ended_fn(struct multi *multi, CURL *easy, CURLcode result);

/* Embed it. */
struct multi {
    CURLM *_curl;
    struct loop *_loop;
    struct timer _timer; /* of libcurl; and it begins each transfer */
    bool _is_in_timer;
    multi_ended_fn *_ended;
};

/* max_idle: connections that it keeps open for later transfers. */
void multi_init(struct multi *multi, struct loop *loop, unsigned max_idle, multi_ended_fn *ended);
void multi_finish(struct multi *multi); /* no transfer is in it; closes all connections */

/* Never calls back before it returns. */
void multi_add(struct multi *multi, CURL *easy);

/* For a transfer that has not ended. */
void multi_remove(struct multi *multi, CURL *easy);

#endif
