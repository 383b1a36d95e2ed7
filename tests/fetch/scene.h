/* tests/fetch/scene.h - a loop, a fetcher and an endpoint for a test. A process runs one test. */
#ifndef TESTS_FETCH_SCENE_H
#define TESTS_FETCH_SCENE_H

#include <stdbool.h>

#include "fetch/fetch.h"
#include "fetch/fetcher.h"
#include "tests/fetch/endpoint.h"
#include "tests/support/wait.h"

enum { SCENE_ENOUGH_MS = 20000 }; /* for any fetch, on any machine */

/* Turns the loop until the condition is true; false when the time is over first. */
#define TURN_UNTIL(condition)                                                \
    ({                                                                       \
        uint64_t turn_end = test_now_ms() + SCENE_ENOUGH_MS * TEST_PATIENCE; \
        bool turn_holds;                                                     \
        while (!(turn_holds = (condition)) && test_now_ms() < turn_end)      \
            scene_turn();                                                    \
        turn_holds;                                                          \
    })

/* A fetch of a test, and its result, which stays. */
struct scene_fetch {
    struct fetch fetch;
    char *url, *body;          /* body: NULL where there is none */
    unsigned done;             /* calls of `done` */
    struct scene_fetch *again; /* started in `done`; NULL: none */
};

extern struct endpoint *scene_endpoint;
extern struct fetcher *scene_fetcher;
extern struct counter scene_under_way, scene_waiting;

void scene_begin(
    void); /* a plain endpoint, and a fetcher with 8 places, 4 for each host, and 20 s */
void scene_end(void);

/* In place of the present fetcher. 0 and NULL: as before. */
void scene_set_fetcher(unsigned parallel, unsigned per_host, unsigned timeout_ms,
                       const char *ca_file);

struct loop *scene_loop(void);
void scene_turn(void);

/* Starts a fetch of an address of the endpoint. */
void scene_start(struct scene_fetch *fetch, const char *host, const char *path);
void scene_start_url(struct scene_fetch *fetch, const char *url);

/* Fetches, waits for the end, and expects the reason, and a sentence that names the host. */
void scene_expect(struct scene_fetch *fetch, const char *host, const char *path,
                  enum fetch_reason reason);
void scene_expect_url(struct scene_fetch *fetch, const char *url, const char *host,
                      enum fetch_reason reason);

void scene_finish(struct scene_fetch *fetch);

#endif
