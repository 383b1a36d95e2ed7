/* Many fetches: places, order, cancelling, what is left behind. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fetch/scene.h"
#include "tests/support/fail.h"

enum { MANY = 300 };

TestSuite(fetcher, .init = scene_begin, .fini = scene_end, .timeout = 60);

static struct scene_fetch all[MANY];

static unsigned ended(size_t n)
{
    unsigned count = 0;
    for (size_t i = 0; i < n; i++)
        count += all[i].done;
    return count;
}

static void start_on_hosts(size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++) {
        char *host = test_format("127.2.%zu.%zu", i / 200, i % 200 + 1);
        scene_start(&all[i], host, path);
        free(host);
    }
}

static void start_on_one_host(size_t n, const char *path)
{
    for (size_t i = 0; i < n; i++)
        scene_start(&all[i], "127.0.0.1", path);
}

static void expect_all_fine(size_t n)
{
    cr_assert(TURN_UNTIL(ended(n) == n), "%u of %zu ended", ended(n), n);
    for (size_t i = 0; i < n; i++) {
        cr_expect_eq(all[i].fetch.reason, FETCH_OK, "%zu: %s", i, all[i].fetch.detail);
        scene_finish(&all[i]);
    }
}

Test(fetcher, fetches_from_hundreds_of_hosts_at_the_same_time)
{
    char path[40];
    scene_set_fetcher(MANY, 0, 60000, NULL);
    snprintf(path, sizeof(path), "/together?n=%d", MANY);
    start_on_hosts(MANY, path);
    expect_all_fine(MANY);
}

Test(fetcher, never_has_more_fetches_under_way_than_its_places)
{
    scene_set_fetcher(5, 0, 0, NULL);
    start_on_hosts(40, "/slow?ms=20");
    expect_all_fine(40);
    cr_expect_leq(endpoint_most(scene_endpoint), 5);
}

Test(fetcher, never_has_more_fetches_of_one_host_than_its_limit)
{
    scene_set_fetcher(40, 3, 0, NULL);
    start_on_one_host(40, "/slow?ms=20");
    expect_all_fine(40);
    cr_expect_leq(endpoint_most(scene_endpoint), 3);
}

Test(fetcher, lets_a_host_without_a_place_hold_up_no_other_host)
{
    struct scene_fetch other = {.done = 0};
    scene_set_fetcher(3, 2, 0, NULL);
    start_on_one_host(10, "/hang");
    scene_start(&other, "127.0.0.9", "/ok");
    cr_assert(TURN_UNTIL(other.done == 1));
    cr_expect_eq(other.fetch.reason, FETCH_OK);
    cr_expect_eq(ended(10), 0);
    for (size_t i = 0; i < 10; i++)
        scene_finish(&all[i]);
    scene_finish(&other);
}

Test(fetcher, uses_its_connections_again)
{
    scene_set_fetcher(1, 0, 0, NULL);
    start_on_one_host(20, "/ok");
    expect_all_fine(20);
    cr_expect_eq(endpoint_requests(scene_endpoint), 20);
    cr_expect_eq(endpoint_connections(scene_endpoint), 1);
}

Test(fetcher, counts_fetches_under_way_and_waiting)
{
    scene_set_fetcher(2, 0, 0, NULL);
    start_on_hosts(5, "/hang");
    cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == 2));
    cr_expect_eq(counter_get(&scene_under_way), 2);
    cr_expect_eq(counter_get(&scene_waiting), 3);
    for (size_t i = 0; i < 5; i++)
        scene_finish(&all[i]);
    cr_expect_eq(counter_get(&scene_under_way), 0);
    cr_expect_eq(counter_get(&scene_waiting), 0);
}

Test(fetcher, starts_a_fetch_again_in_its_done)
{
    all[0].again = &all[0];
    scene_start(&all[0], "127.0.0.1", "/ok");
    cr_assert(TURN_UNTIL(all[0].done == 2));
    cr_expect_eq(endpoint_requests(scene_endpoint), 2);
    scene_finish(&all[0]);
}

Test(fetcher, never_calls_a_cancelled_fetch_back_in_any_state)
{
    static const char *const paths[] = {"/ok", "/hang", "/drip", "/slow?ms=5", "/chain?n=3"};
    scene_set_fetcher(2, 0, 0, NULL);
    for (unsigned turns = 0; turns < 12; turns++) {
        for (size_t i = 0; i < 10; i++)
            scene_start(&all[i], "127.0.0.1", paths[i % 5]);
        for (unsigned turn = 0; turn < turns; turn++)
            scene_turn();
        unsigned before = ended(10);
        for (size_t i = 0; i < 10; i++)
            fetch_cancel(&all[i].fetch);
        for (unsigned turn = 0; turn < 3; turn++)
            scene_turn();
        cr_expect_eq(ended(10), before);
        for (size_t i = 0; i < 10; i++)
            scene_finish(&all[i]);
    }
}

Test(fetcher, may_be_destroyed_with_fetches_under_way)
{
    scene_set_fetcher(4, 0, 0, NULL);
    start_on_hosts(10, "/hang");
    scene_start(&all[10], "127.0.0.1", "/drip");
    cr_assert(TURN_UNTIL(endpoint_requests(scene_endpoint) == 4));
    scene_set_fetcher(0, 0, 0, NULL);
    cr_expect_eq(ended(11), 0);
    for (size_t i = 0; i < 11; i++)
        scene_finish(&all[i]);
}

static unsigned descriptors(void)
{
    unsigned n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

/* The endpoint is in this process, so its descriptors count too: it closes them when the client has. */
Test(fetcher, leaves_no_descriptor_behind)
{
    unsigned before = descriptors();
    setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
    scene_set_fetcher(20, 0, 0, NULL);
    start_on_hosts(20, "/ok");
    scene_start_url(&all[20], "http://127.0.0.1:1/");
    scene_start_url(&all[21], "http://no-such-host.invalid/");
    scene_start(&all[22], "127.0.0.1", "/cut");
    cr_assert(TURN_UNTIL(ended(23) == 23));
    for (size_t i = 0; i < 23; i++)
        scene_finish(&all[i]);
    scene_set_fetcher(0, 0, 0, NULL);
    cr_expect(TURN_UNTIL(descriptors() <= before), "%u descriptors, %u before", descriptors(),
              before);
}
