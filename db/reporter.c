#include "db/reporter.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

enum { QUIET_US = 600000000, STABLE_US = 60000000 };

static uint64_t hash_of(enum db_event event, const char *why);
static bool is_new(struct db_reporter *reporter, uint64_t hash, uint64_t now_us);

bool db_reporter_up(struct db_reporter *reporter)
{
    bool is_first = !reporter->_is_up_reported;
    reporter->_is_up_reported = true;
    if (reporter->_up_since_us == 0)
        reporter->_up_since_us = clock_us();
    return is_first;
}

bool db_reporter_problem(struct db_reporter *reporter, enum db_event event, const char *why)
{
    assert(event != DB_EVENT_UP);
    uint64_t now_us = clock_us(), up_since_us = reporter->_up_since_us;
    if (event != DB_EVENT_FAILED) {
        reporter->_up_since_us = 0;
        if (up_since_us != 0 && now_us - up_since_us >= STABLE_US)
            memset(reporter->_reported, 0, sizeof(reporter->_reported));
    }
    if (!is_new(reporter, hash_of(event, why), now_us))
        return false;
    reporter->_is_up_reported = false;
    return true;
}

/* FNV-1a. Two problems with one hash would cost a line in the log, no more. */
static uint64_t hash_of(enum db_event event, const char *why)
{
    uint64_t hash = (0xcbf29ce484222325 ^ (uint64_t)event) * 0x100000001b3;
    for (; *why != '\0'; why++)
        hash = (hash ^ (unsigned char)*why) * 0x100000001b3;
    return hash;
}

/* Remembers the problem, if need be in the place of the one that was reported longest ago. */
static bool is_new(struct db_reporter *reporter, uint64_t hash, uint64_t now_us)
{
    size_t oldest = 0;
    for (size_t i = 0; i < DB_REPORTER_PROBLEMS; i++) {
        uint64_t at_us = reporter->_reported[i].at_us;
        if (at_us != 0 && reporter->_reported[i].hash == hash && now_us - at_us < QUIET_US)
            return false;
        if (at_us < reporter->_reported[oldest].at_us)
            oldest = i;
    }
    reporter->_reported[oldest].hash = hash;
    reporter->_reported[oldest].at_us = now_us;
    return true;
}
