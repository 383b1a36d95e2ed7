#include "handlers/query_parameters.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "handlers/percent.h"

static const char *const tracking[] = {"fbclid", "gclid",   "mc_cid", "mc_eid",
                                       "igshid", "msclkid", "twclid", "ref_src"};

enum { MAX_NAME = 32 }; /* longer ones are unknown, or begin with utm_ */

static h2o_iovec_t next_piece(h2o_iovec_t *query);
static bool is_tracking(h2o_iovec_t name);

enum query_parameters_fault query_parameters_read(h2o_iovec_t query, const char *const names[],
                                                  h2o_iovec_t values[QUERY_MAX_PARAMETERS],
                                                  h2o_iovec_t *ret_name)
{
    memset(values, 0, QUERY_MAX_PARAMETERS * sizeof(values[0]));
    while (query.len > 0) {
        h2o_iovec_t piece = next_piece(&query);
        const char *equals = piece.len > 0 ? memchr(piece.base, '=', piece.len) : NULL;
        const char *end = piece.base + piece.len;
        h2o_iovec_t name =
            h2o_iovec_init(piece.base, (size_t)((equals != NULL ? equals : end) - piece.base));
        char text[MAX_NAME];
        h2o_iovec_t plain = h2o_iovec_init(text, percent_decode(name, false, text, sizeof(text)));
        if (piece.len == 0 || is_tracking(plain))
            continue;
        size_t i = 0;
        while (names[i] != NULL && !h2o_memis(plain.base, plain.len, names[i], strlen(names[i])))
            i++;
        assert(i < QUERY_MAX_PARAMETERS || names[i] == NULL);
        *ret_name = name;
        if (names[i] == NULL)
            return QUERY_PARAMETERS_UNKNOWN;
        if (values[i].base != NULL)
            return QUERY_PARAMETERS_REPEATED;
        values[i] = equals != NULL ? h2o_iovec_init(equals + 1, (size_t)(end - equals - 1))
                                   : h2o_iovec_init(end, 0);
    }
    return QUERY_PARAMETERS_FINE;
}

/* Takes the text before the next "&" off the query, with the "&", and returns the text. */
static h2o_iovec_t next_piece(h2o_iovec_t *query)
{
    const char *ampersand = memchr(query->base, '&', query->len);
    size_t length = ampersand != NULL ? (size_t)(ampersand - query->base) : query->len;
    size_t taken = ampersand != NULL ? length + 1 : length;
    h2o_iovec_t piece = h2o_iovec_init(query->base, length);
    *query = h2o_iovec_init(query->base + taken, query->len - taken);
    return piece;
}

/* Capital and small letters are the same here, unlike in our own names. */
static bool is_tracking(h2o_iovec_t name)
{
    if (name.len >= strlen("utm_") && strncasecmp(name.base, "utm_", strlen("utm_")) == 0)
        return true;
    for (size_t i = 0; i < sizeof(tracking) / sizeof(tracking[0]); i++) {
        if (name.len == strlen(tracking[i]) && strncasecmp(name.base, tracking[i], name.len) == 0)
            return true;
    }
    return false;
}
