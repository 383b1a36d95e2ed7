#include <criterion/criterion.h>

#include "db/connect.h"
#include "db/pool.h"
#include "lists/worker.h"

enum { S = 1000 };

Test(connect_rules, give_an_address_more_time_in_each_round)
{
    const unsigned want[] = {2 * S, 4 * S, 8 * S, 15 * S, 15 * S};
    for (unsigned nrounds = 0; nrounds < 5; nrounds++)
        cr_expect_eq(db_connect_limit_ms(0, false, nrounds), want[nrounds]);
    cr_expect_eq(db_connect_limit_ms(0, false, 1000000), 15 * S);
}

Test(connect_rules, give_a_single_address_more_time_at_once)
{
    cr_expect_eq(db_connect_limit_ms(0, true, 0), 8 * S);
    cr_expect_eq(db_connect_limit_ms(0, true, 1), 15 * S);
    cr_expect_eq(db_connect_limit_ms(0, true, 9), 15 * S);
}

Test(connect_rules, honour_the_connect_timeout)
{
    cr_expect_eq(db_connect_limit_ms(30, false, 0), 30 * S);
    cr_expect_eq(db_connect_limit_ms(3, true, 7), 3 * S);
}

Test(connect_rules, pause_longer_after_each_round)
{
    const unsigned want[] = {50, 100, 200, 400, 800, 1000, 1000};
    for (unsigned i = 0; i < 7; i++)
        cr_expect_eq(db_connect_longest_pause_ms(i + 1, false), want[i]);
    cr_expect_eq(db_connect_longest_pause_ms(1000000, false), 1000);
}

Test(connect_rules, pause_up_to_30_s_when_a_server_has_too_many_connections)
{
    cr_expect_eq(db_connect_longest_pause_ms(1, true), 50);
    cr_expect_eq(db_connect_longest_pause_ms(10, true), 25600);
    cr_expect_eq(db_connect_longest_pause_ms(11, true), 30 * S);
    cr_expect_eq(db_connect_longest_pause_ms(1000000, true), 30 * S);
}

Test(connect_rules, share_out_the_connections_that_are_allowed)
{
    cr_expect_eq(db_pool_share(97, 4), 2);
    cr_expect_eq(db_pool_share(10, 4), 2);
    cr_expect_eq(db_pool_share(9, 4), 1);
    cr_expect_eq(db_pool_share(4, 1), 2);
    cr_expect_eq(db_pool_share(3, 0), 1);
    cr_expect_eq(db_pool_share(0, 8), 1, "one connection is needed to ask the server");
}

Test(connect_rules, let_the_worker_on_lists_wait_longer_after_each_failure)
{
    const unsigned want[] = {1 * S, 2 * S, 4 * S, 8 * S, 16 * S, 30 * S, 30 * S};
    for (unsigned i = 0; i < 7; i++)
        cr_expect_eq(lists_worker_pause_ms(i + 1), want[i]);
}
