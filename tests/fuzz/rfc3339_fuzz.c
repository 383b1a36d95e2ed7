/* A time (base/rfc3339.h). An accepted time is in the years 1 to 9999, and is the same time when
 * it is written again in UTC. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/rfc3339.h"
#include "tests/fuzz/fuzz.h"

static int64_t written_and_read_again(int64_t us);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int64_t unchanged = 42;
    int64_t us = unchanged;
    if (!rfc3339_parse((const char *)data, size, &us)) {
        fuzz_check(us == unchanged);
        return 0;
    }
    fuzz_check(size >= strlen("0001-01-01T00:00:00Z"));
    fuzz_check(us >= INT64_C(-62135596800000000) && us < INT64_C(253402300800000000));
    fuzz_check(written_and_read_again(us) == us);
    return 0;
}

static int64_t written_and_read_again(int64_t us)
{
    char text[64];
    int64_t again = -1;
    int64_t fraction = (us % 1000000 + 1000000) % 1000000;
    time_t seconds = (us - fraction) / 1000000;
    struct tm utc;
    fuzz_check(gmtime_r(&seconds, &utc) != NULL);
    int length = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06" PRId64 "Z",
                          utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                          utc.tm_sec, fraction);
    fuzz_check(rfc3339_parse(text, (size_t)length, &again));
    return again;
}
