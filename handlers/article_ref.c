#include "handlers/article_ref.h"

#include <stdbool.h>

#include "handlers/percent.h"

static bool parse_id(const char *text, size_t length, int64_t *ret_id);

struct article_ref article_ref_parse(const char *text, size_t length)
{
    struct article_ref ref = {.kind = ARTICLE_REF_INVALID};
    size_t n = percent_decode(h2o_iovec_init(text, length), false, ref.slug, sizeof(ref.slug));
    if (n == 0 || n == sizeof(ref.slug))
        return ref;
    ref.slug[n] = '\0';
    if (parse_id(ref.slug, n, &ref.id))
        ref.kind = ARTICLE_REF_ID;
    else if (slug_check(ref.slug, n) == SLUG_OK)
        ref.kind = ARTICLE_REF_SLUG;
    return ref;
}

static bool parse_id(const char *text, size_t length, int64_t *ret_id)
{
    int64_t id = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(id, 10, &id) ||
            __builtin_add_overflow(id, text[i] - '0', &id))
            return false;
    }
    *ret_id = id;
    return id > 0;
}
