/* RFC 3339, section 5.6:
 *
 *     2024-02-29  T  23:59:59  .250  -05:30
 *     date           time      fraction  offset                                                   */
#include "base/rfc3339.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

struct reader {
    const char *at, *end;
};

/* A time in UTC; the second is apart, because it may be 60. */
struct moment {
    int64_t minutes; /* since 1970 */
    int second;
    int64_t fraction_us;
};

static bool is_leap_second(const struct moment *m);
static bool read_moment(const char *text, size_t bytes, struct moment *m);
static bool number(struct reader *r, int digits, int *ret_value);
static bool either(struct reader *r, char upper, char lower);
static bool fraction(struct reader *r, int64_t *ret_us);
static bool offset(struct reader *r, int *ret_minutes);
static int days_in_month(int year, int month);
static bool is_leap_year(int year);
static int64_t days_since_1970(int year, int month, int day);

enum { DAY_MINUTES = 24 * 60 };
static const int64_t SECOND_US = 1000000, DAY_US = INT64_C(86400000000);

bool rfc3339_parse(const char *text, size_t bytes, int64_t *ret_us)
{
    struct moment m;

    if (!read_moment(text, bytes, &m) || (m.second == 60 && !is_leap_second(&m)))
        return false;
    int64_t second = m.second == 60 ? 59 : m.second;
    int64_t us = (m.minutes * 60 + second) * SECOND_US + m.fraction_us;
    if (us < days_since_1970(1, 1, 1) * DAY_US || us >= days_since_1970(10000, 1, 1) * DAY_US)
        return false;
    *ret_us = us;
    return true;
}

bool rfc3339_is_wrong_leap_second(const char *text, size_t bytes)
{
    struct moment m;

    return read_moment(text, bytes, &m) && m.second == 60 && !is_leap_second(&m);
}

/* Leap seconds end a day of UTC. Which days have one is decided half a year before, so any may. */
static bool is_leap_second(const struct moment *m)
{
    int64_t minute = m->minutes % DAY_MINUTES;

    return m->second == 60 && (minute + DAY_MINUTES) % DAY_MINUTES == DAY_MINUTES - 1;
}

static bool read_moment(const char *text, size_t bytes, struct moment *m)
{
    struct reader r = {text, text + bytes};
    int year, month, day, hour, minute, offset_minutes;

    if (!number(&r, 4, &year) || !either(&r, '-', '-') || !number(&r, 2, &month) ||
        !either(&r, '-', '-') || !number(&r, 2, &day))
        return false;
    if (!either(&r, 'T', 't') || !number(&r, 2, &hour) || !either(&r, ':', ':') ||
        !number(&r, 2, &minute) || !either(&r, ':', ':') || !number(&r, 2, &m->second))
        return false;
    if (!fraction(&r, &m->fraction_us) || !offset(&r, &offset_minutes) || r.at != r.end)
        return false;
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 ||
        minute > 59 || m->second > 60)
        return false;
    m->minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    return true;
}

static bool number(struct reader *r, int digits, int *ret_value)
{
    int value = 0;

    for (; digits > 0; digits--, r->at++) {
        if (r->at == r->end || *r->at < '0' || *r->at > '9')
            return false;
        value = 10 * value + (*r->at - '0');
    }
    *ret_value = value;
    return true;
}

static bool either(struct reader *r, char upper, char lower)
{
    if (r->at == r->end || (*r->at != upper && *r->at != lower))
        return false;
    r->at++;
    return true;
}

static bool fraction(struct reader *r, int64_t *ret_us)
{
    int64_t us = 0, unit = SECOND_US / 10;
    int digit;

    *ret_us = 0;
    if (!either(r, '.', '.'))
        return true;
    if (!number(r, 1, &digit))
        return false;
    do {
        us += digit * unit; /* from the seventh digit on the unit is 0 */
        unit /= 10;
    } while (number(r, 1, &digit));
    *ret_us = us;
    return true;
}

static bool offset(struct reader *r, int *ret_minutes)
{
    int hours, minutes, sign = 1;

    *ret_minutes = 0;
    if (either(r, 'Z', 'z'))
        return true;
    if (either(r, '-', '-'))
        sign = -1;
    else if (!either(r, '+', '+'))
        return false;
    if (!number(r, 2, &hours) || !either(r, ':', ':') || !number(r, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *ret_minutes = sign * (60 * hours + minutes);
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

static bool is_leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Proleptic Gregorian, like PostgreSQL. Year 0 is possible, because an offset can lead out of it. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t before = year - 1;
    int64_t days = before * 365 + (before >= 0 ? before / 4 - before / 100 + before / 400 : -1);

    for (int m = 1; m < month; m++)
        days += days_in_month(year, m);
    return days + day - 1 - 719162; /* 719162 days from 0001-01-01 to 1970-01-01 */
}

void rfc3339_format(int64_t us, char ret_text[RFC3339_BYTES])
{
    int64_t fraction_us = (us % SECOND_US + SECOND_US) % SECOND_US;
    time_t seconds = (us - fraction_us) / SECOND_US;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    int year = tm.tm_year + 1900;
    assert(year >= 1 && year <= 9999);
    char fraction[8] = "";
    if (fraction_us % 1000 != 0)
        snprintf(fraction, sizeof(fraction), ".%06u", (unsigned)fraction_us % 1000000);
    else if (fraction_us != 0)
        snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)(fraction_us / 1000) % 1000);
    snprintf(ret_text, RFC3339_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u%sZ", (unsigned)year % 10000,
             (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
             (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
             fraction);
}
