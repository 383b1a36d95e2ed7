#include "server/negotiate.h"

#include <string.h>

/* A q-value in thousandths; -1: the coding was not named. */
struct wishes {
    int gzip, identity, any;
};

static void read_codings(h2o_iovec_t list, struct wishes *wishes);
static int read_q(const char *at, const char *end);
static bool has_etag(h2o_iovec_t list, h2o_iovec_t etag);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool negotiate_gzip(const h2o_headers_t *headers)
{
    struct wishes wishes = {-1, -1, -1};
    for (ssize_t i = -1; (i = h2o_find_header(headers, H2O_TOKEN_ACCEPT_ENCODING, i)) != -1;)
        read_codings(headers->entries[i].value, &wishes);

    int gzip = wishes.gzip >= 0 ? wishes.gzip : wishes.any;
    /* The plain bytes need not be named; then any coding that the client accepts is preferred. */
    int identity = wishes.identity >= 0 ? wishes.identity : wishes.any;
    return gzip > 0 && gzip >= identity;
}

/* coding[;q=0.5], coding, ... */
static void read_codings(h2o_iovec_t list, struct wishes *wishes)
{
    const char *at = list.base, *end = list.base + list.len;
    while (at < end) {
        const char *comma = memchr(at, ',', end - at);
        const char *stop = comma != NULL ? comma : end;
        while (at < stop && is_blank(*at))
            at++;
        const char *name = at;
        while (at < stop && *at != ';' && !is_blank(*at))
            at++;
        size_t length = at - name;
        int q = read_q(at, stop);
        if (h2o_lcstris(name, length, H2O_STRLIT("gzip")) ||
            h2o_lcstris(name, length, H2O_STRLIT("x-gzip")))
            wishes->gzip = q;
        else if (h2o_lcstris(name, length, H2O_STRLIT("identity")))
            wishes->identity = q;
        else if (h2o_memis(name, length, H2O_STRLIT("*")))
            wishes->any = q;
        at = stop + 1;
    }
}

/* ;q=0.123 and any blanks. A value that can't be read is 0, so that such a client gets the plain bytes, which
 * every client can read. */
static int read_q(const char *at, const char *end)
{
    while (at < end && (is_blank(*at) || *at == ';'))
        at++;
    if (at == end)
        return 1000;
    if (end - at < 3 || (*at != 'q' && *at != 'Q') || at[1] != '=' ||
        (at[2] != '0' && at[2] != '1'))
        return 0;
    int q = (at[2] - '0') * 1000, unit = 100;
    at += 3;
    if (at < end && *at == '.') {
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10)
            q += (*at - '0') * unit;
    }
    while (at < end && is_blank(*at))
        at++;
    return at < end ? 0 : q > 1000 ? 1000 : q;
}

bool negotiate_is_known(const h2o_headers_t *headers, h2o_iovec_t etag)
{
    for (ssize_t i = -1; (i = h2o_find_header(headers, H2O_TOKEN_IF_NONE_MATCH, i)) != -1;) {
        if (has_etag(headers->entries[i].value, etag))
            return true;
    }
    return false;
}

/* *, or "one", W/"two", ... with commas allowed within the quotes. */
static bool has_etag(h2o_iovec_t list, h2o_iovec_t etag)
{
    const char *at = list.base, *end = list.base + list.len;
    while (at < end) {
        while (at < end && (is_blank(*at) || *at == ','))
            at++;
        if (at < end && *at == '*')
            return true;
        if (end - at >= 2 && at[0] == 'W' && at[1] == '/')
            at += 2;
        if (at == end || *at != '"')
            return false; /* the grammar does not allow this: then nothing matches */
        const char *close = memchr(at + 1, '"', end - at - 1);
        if (close == NULL)
            return false;
        if (h2o_memis(at, close + 1 - at, etag.base, etag.len))
            return true;
        at = close + 1;
    }
    return false;
}
