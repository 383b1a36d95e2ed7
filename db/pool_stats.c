#include "db/pool_stats.h"

const struct histogram_bounds db_batch_bounds = {7, {1, 2, 4, 8, 16, 32, 64}};
const struct histogram_bounds db_wait_bounds_us = {
    12, {50, 100, 250, 500, 1000, 2500, 5000, 10000, 50000, 100000, 500000, 1000000}};
