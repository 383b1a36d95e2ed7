/* base/clock.h - the one clock of deadlines, pauses, ages and polls.
 *
 * It only moves forward, also where somebody sets the wall clock. It also counts the time while the machine
 * is suspended (CLOCK_BOOTTIME), since the answers in memory grow old in that time too. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since the machine started. */
static inline uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

#endif
