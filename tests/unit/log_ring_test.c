#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/log_ring.h"

enum { ROOM = 100, MOST = 40 };

static struct log_ring ring;
static char *taken;

static size_t report(char *to, size_t room, uint64_t lost)
{
    return (size_t)snprintf(to, room, "lost %llu\n", (unsigned long long)lost);
}

static void init(void)
{
    log_ring_init(&ring, ROOM, report);
}

static void finish(void)
{
    free(taken);
    log_ring_finish(&ring);
}

TestSuite(log_ring, .init = init, .fini = finish, .timeout = 20);

static bool add(const char *line)
{
    return log_ring_add(&ring, line, strlen(line));
}

static void expect_taken(const char *want)
{
    size_t n = log_ring_take(&ring, &taken, MOST);
    cr_assert_eq(n, strlen(want), "%.*s", (int)n, taken);
    cr_expect_arr_eq(taken, want, n, "%.*s", (int)n, taken);
}

Test(log_ring, gives_back_whole_lines_in_their_order)
{
    add("one\n");
    add("two\n");
    expect_taken("one\ntwo\n");
    cr_expect(log_ring_is_empty(&ring));
}

Test(log_ring, gives_back_as_many_lines_as_fit)
{
    add("a line of 20 bytes.\n");
    add("a line of 15 b\n");
    add("another\n");
    expect_taken("a line of 20 bytes.\na line of 15 b\n");
    expect_taken("another\n");
}

Test(log_ring, gives_back_a_line_alone_that_is_longer_than_the_limit)
{
    char line[MOST + 11];
    memset(line, 'x', sizeof(line));
    strcpy(line + MOST + 9, "\n");
    add(line);
    add("next\n");
    expect_taken(line);
    expect_taken("next\n");
}

Test(log_ring, keeps_a_line_whole_that_crosses_its_end)
{
    char line[48];
    for (int i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "this is line number %d\n", i);
        cr_assert(add(line));
        expect_taken(line);
    }
}

Test(log_ring, reports_lost_lines_in_their_place)
{
    char line[] = "a line of 20 bytes.\n";
    for (int i = 0; i < 5; i++)
        cr_assert(add(line));
    for (int i = 0; i < 7; i++)
        cr_assert_not(add(line));
    cr_expect_eq(log_ring_lost(&ring), 7);
    expect_taken("a line of 20 bytes.\na line of 20 bytes.\n");
    cr_expect_not(add(line), "there is room, but the report comes first");
    expect_taken("a line of 20 bytes.\na line of 20 bytes.\n");
    expect_taken("a line of 20 bytes.\nlost 8\n");
    cr_expect(add("after\n"));
    expect_taken("after\n");
    cr_expect_eq(log_ring_lost(&ring), 8);
}

Test(log_ring, loses_a_line_that_is_longer_than_the_ring)
{
    char line[ROOM + 2];
    memset(line, 'x', sizeof(line));
    strcpy(line + ROOM, "\n");
    cr_expect_not(add(line));
    expect_taken("lost 1\n");
}

Test(log_ring, counts_lines_that_could_not_be_written_and_does_not_report_them)
{
    add("one\n");
    add("two\n");
    size_t n = log_ring_take(&ring, &taken, MOST);
    log_ring_count_lost(&ring, taken, n);
    cr_expect_eq(log_ring_lost(&ring), 2);
    cr_expect(log_ring_is_empty(&ring));
}

static void *take_all(void *unused)
{
    (void)unused;
    char *bytes = NULL;
    size_t *total = calloc(1, sizeof(*total));
    for (size_t n; (n = log_ring_take(&ring, &bytes, MOST)) > 0;)
        *total += n;
    free(bytes);
    return total;
}

Test(log_ring, wakes_the_thread_that_takes_lines_and_ends_it_when_it_is_closed)
{
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, take_all, NULL), 0);
    size_t added = 0;
    for (int i = 0; i < 1000; i++)
        added += add("line\n") ? 5 : 0;
    log_ring_close(&ring);
    void *total;
    pthread_join(thread, &total);
    cr_expect_geq(*(size_t *)total, added);
    cr_expect_gt(added, 0);
    free(total);
}
