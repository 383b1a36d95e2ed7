/* Places: at most so many in all, and for each host. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fetch/places.h"

static struct places places;

static void wait_at(struct place *place, unsigned host)
{
    char name[16];
    snprintf(name, sizeof(name), "host-%u", host);
    places_wait(&places, place, name);
}

Test(places, are_given_in_the_order_of_arrival)
{
    struct place a = {0}, b = {0}, c = {0};
    places_init(&places, 2, 1);
    wait_at(&a, 1);
    wait_at(&b, 2);
    wait_at(&c, 3);
    cr_expect_eq(places_next(&places), &a);
    cr_expect_eq(places_next(&places), &b);
    cr_expect_null(places_next(&places), "all are taken");
    places_leave(&places, &a);
    cr_expect_eq(places_next(&places), &c);
    places_leave(&places, &b);
    places_leave(&places, &c);
    places_leave(&places, &c); /* again: allowed */
    places_finish(&places);
}

Test(places, of_a_full_host_hold_up_no_other_host)
{
    struct place a = {0}, b = {0}, c = {0};
    places_init(&places, 5, 1);
    wait_at(&a, 1);
    wait_at(&b, 1);
    wait_at(&c, 2);
    cr_expect_eq(places_next(&places), &a);
    cr_expect_eq(places_next(&places), &c);
    cr_expect_null(places_next(&places));
    places_leave(&places, &a);
    cr_expect_eq(places_next(&places), &b);
    places_leave(&places, &b);
    places_leave(&places, &c);
    places_finish(&places);
}

/* Entries come, get places and leave at random; a simple count says what is allowed. */
Test(places, never_exceed_a_limit_and_never_stay_empty_while_one_may_have_them)
{
    enum { ENTRIES = 60, HOSTS = 7, MAX = 9, MAX_PER_HOST = 2, STEPS = 20000 };
    static struct place all[ENTRIES];
    unsigned host_of[ENTRIES] = {0}, taken[HOSTS] = {0}, now = 0, seed = 1;
    bool waits[ENTRIES] = {false}, has[ENTRIES] = {false};
    places_init(&places, MAX, MAX_PER_HOST);
    for (int step = 0; step < STEPS; step++) {
        unsigned i = (unsigned)rand_r(&seed) % ENTRIES;
        if (waits[i] || has[i]) {
            places_leave(&places, &all[i]);
            now -= has[i];
            taken[host_of[i]] -= has[i];
            waits[i] = has[i] = false;
        } else {
            host_of[i] = (unsigned)rand_r(&seed) % HOSTS;
            wait_at(&all[i], host_of[i]);
            waits[i] = true;
        }
        for (struct place *place; (place = places_next(&places)) != NULL;) {
            size_t got = (size_t)(place - all);
            cr_assert(waits[got] && place_is_taken(place));
            waits[got] = false;
            has[got] = true;
            cr_assert_leq(++now, MAX);
            cr_assert_leq(++taken[host_of[got]], MAX_PER_HOST);
        }
        for (size_t j = 0; j < ENTRIES; j++)
            cr_assert(!waits[j] || now == MAX || taken[host_of[j]] == MAX_PER_HOST);
        cr_assert_eq(places.taken, now);
    }
    for (size_t i = 0; i < ENTRIES; i++)
        places_leave(&places, &all[i]);
    places_finish(&places);
}
