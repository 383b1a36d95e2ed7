/*     multi_add --> on_timer_set --> on_timer ---\
 *                   on_socket_set --> on_readable, on_writable --> act --> ended, ended ...
 *
 * libcurl says which of its sockets it waits for (on_socket_set) and when it wants to be called (on_timer_set).
 * It closes sockets itself, and a socket of libh2o closes its descriptor too, so the loop watches a duplicate. */
#include "fetch/multi.h"

#include <assert.h>
#include <fcntl.h>
#include <h2o.h>
#include <stdlib.h>

#include "base/container_of.h"

/* A socket of libcurl that the loop watches. */
struct watch {
    struct multi *multi;
    curl_socket_t fd; /* libcurl's */
    int events;       /* CURL_POLL_IN, CURL_POLL_OUT or both */
    h2o_socket_t *duplicate;
};

static int on_timer_set(CURLM *curl, long delay_ms, void *multi);
static int on_socket_set(CURL *easy, curl_socket_t fd, int events, void *multi, void *watch);
static void watch_start(struct multi *multi, curl_socket_t fd, int events);
static void watch_change(struct watch *watch, int events);
static void watch_end(struct watch *watch);
static timer_fn on_timer;
static void on_readable(h2o_socket_t *duplicate, const char *error);
static void on_writable(h2o_socket_t *duplicate, const char *error);
static void act(struct multi *multi, curl_socket_t fd, int events);

void multi_init(struct multi *multi, struct loop *loop, unsigned max_idle, multi_ended_fn *ended)
{
    *multi = (struct multi){._curl = curl_multi_init(), ._loop = loop, ._ended = ended};
    if (multi->_curl == NULL)
        abort(); /* no memory */
    timer_init(&multi->_timer, loop, on_timer);
    curl_multi_setopt(multi->_curl, CURLMOPT_SOCKETFUNCTION, on_socket_set);
    curl_multi_setopt(multi->_curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->_curl, CURLMOPT_TIMERFUNCTION, on_timer_set);
    curl_multi_setopt(multi->_curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->_curl, CURLMOPT_MAXCONNECTS, (long)max_idle);
}

void multi_finish(struct multi *multi)
{
    CURLMcode code = curl_multi_cleanup(multi->_curl);
    assert(code == CURLM_OK);
    timer_finish(&multi->_timer);
}

void multi_add(struct multi *multi, CURL *easy)
{
    CURLMcode code = curl_multi_add_handle(multi->_curl, easy); /* sets the timer */
    assert(code == CURLM_OK);
}

void multi_remove(struct multi *multi, CURL *easy)
{
    CURLMcode code = curl_multi_remove_handle(multi->_curl, easy);
    assert(code == CURLM_OK);
}

/* A timer of 0 ms that its own callback starts would fire again in the same turn of the loop. */
static int on_timer_set(CURLM *curl, long delay_ms, void *p)
{
    struct multi *multi = p;
    (void)curl;
    if (delay_ms < 0)
        timer_stop(&multi->_timer);
    else
        timer_start(&multi->_timer, delay_ms == 0 && multi->_is_in_timer ? 1 : (uint64_t)delay_ms);
    return 0;
}

static int on_socket_set(CURL *easy, curl_socket_t fd, int events, void *p, void *watch)
{
    struct multi *multi = p;
    (void)easy;
    if (events == CURL_POLL_REMOVE) {
        curl_multi_assign(multi->_curl, fd, NULL);
        watch_end(watch);
    } else if (watch != NULL) {
        watch_change(watch, events);
    } else {
        watch_start(multi, fd, events);
    }
    return 0;
}

/* Without a free descriptor the socket is not watched, and the deadline of the fetch ends it. */
static void watch_start(struct multi *multi, curl_socket_t fd, int events)
{
    int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (duplicate == -1)
        return;
    struct watch *watch = h2o_mem_alloc(sizeof(*watch));
    *watch = (struct watch){
        .multi = multi,
        .fd = fd,
        .duplicate =
            h2o_evloop_socket_create(multi->_loop->h2o, duplicate, H2O_SOCKET_FLAG_DONT_READ),
    };
    watch->duplicate->data = watch;
    curl_multi_assign(multi->_curl, fd, watch);
    watch_change(watch, events);
}

static void watch_change(struct watch *watch, int events)
{
    watch->events = events;
    if ((events & CURL_POLL_IN) != 0)
        h2o_socket_read_start(watch->duplicate, on_readable);
    else
        h2o_socket_read_stop(watch->duplicate);
    if ((events & CURL_POLL_OUT) != 0 && !h2o_socket_is_writing(watch->duplicate))
        h2o_socket_notify_write(watch->duplicate, on_writable);
}

static void watch_end(struct watch *watch)
{
    if (watch == NULL)
        return;
    h2o_socket_close(watch->duplicate);
    free(watch);
}

static void on_timer(struct timer *timer)
{
    struct multi *multi = container_of(timer, struct multi, _timer);
    multi->_is_in_timer = true;
    act(multi, CURL_SOCKET_TIMEOUT, 0);
    multi->_is_in_timer = false;
}

static void on_readable(h2o_socket_t *duplicate, const char *error)
{
    struct watch *watch = duplicate->data;
    assert(error == NULL);
    act(watch->multi, watch->fd, CURL_CSELECT_IN);
}

/* libh2o calls this once for each notify_write, and cannot be told to forget it. */
static void on_writable(h2o_socket_t *duplicate, const char *error)
{
    struct watch *watch = duplicate->data;
    assert(error == NULL);
    if ((watch->events & CURL_POLL_OUT) == 0)
        return;
    h2o_socket_notify_write(duplicate, on_writable); /* first, since act() may end the watch */
    act(watch->multi, watch->fd, CURL_CSELECT_OUT);
}

static void act(struct multi *multi, curl_socket_t fd, int events)
{
    int running, left;
    CURLMcode code = curl_multi_socket_action(multi->_curl, fd, events, &running);
    assert(code == CURLM_OK);
    for (CURLMsg *message; (message = curl_multi_info_read(multi->_curl, &left)) != NULL;) {
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        assert(message->msg == CURLMSG_DONE);
        multi_remove(multi, easy);
        multi->_ended(multi, easy, result);
    }
}
