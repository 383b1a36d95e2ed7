/* import/rfc3339.h - a time as RFC 3339 writes it, date, time and offset all present. */
#ifndef IMPORT_RFC3339_H
#define IMPORT_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Microseconds since 1970-01-01T00:00:00Z; digits of a second beyond the sixth are dropped.
 *
 * False for what RFC 3339 does not allow ("yesterday", no offset, a blank for the T, the 30th of
 * February), for a leap second (":60": neither PostgreSQL nor POSIX time can tell it from the next
 * minute, so we do not guess), and for what is not in the years 1 to 9999 in UTC. */
bool rfc3339_parse(const char *text, size_t bytes, int64_t *ret_us);

#endif
