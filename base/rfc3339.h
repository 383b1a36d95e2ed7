/* base/rfc3339.h - a time as RFC 3339 writes it: date, time and offset, none of them missing. */
#ifndef BASE_RFC3339_H
#define BASE_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RFC3339_BYTES = sizeof("9999-12-31T23:59:59.999999Z") };

/* Microseconds since 1970-01-01T00:00:00Z. Digits of a second after the sixth are dropped. A leap
 * second (23:59:60 in UTC) is taken as the second before it, because neither PostgreSQL nor POSIX
 * time has a number for it.
 *
 * False, and *ret_us unchanged, for a text that RFC 3339 does not allow ("yesterday", no offset, a blank
 * instead of the T, 24:00, the 30th of February), for :60 at any other time, and outside of the years
 * 1 to 9999 in UTC. */
bool rfc3339_parse(const char *text, size_t bytes, int64_t *ret_us);

/* True for a text that rfc3339_parse refuses only because its :60 is at a time that has no leap
 * second. */
bool rfc3339_is_wrong_leap_second(const char *text, size_t bytes);

/* The one form that we write: UTC with Z, and a fraction of three or six digits if there is one.
 * us: of the years 1 to 9999. */
void rfc3339_format(int64_t us, char ret_text[RFC3339_BYTES]);

#endif
