#include "handlers/article_ref.h"

#include <stdbool.h>

static size_t decode(const char *text, size_t length, char *to, size_t room);
static bool parse_id(const char *text, size_t length, int64_t *ret_id);

struct article_ref article_ref_parse(const char *text, size_t length)
{
    struct article_ref ref = {.kind = ARTICLE_REF_INVALID};
    size_t n = decode(text, length, ref.slug, sizeof(ref.slug));
    if (n == 0 || n == sizeof(ref.slug))
        return ref;
    ref.slug[n] = '\0';
    if (parse_id(ref.slug, n, &ref.id))
        ref.kind = ARTICLE_REF_ID;
    else if (slug_check(ref.slug, n) == SLUG_OK)
        ref.kind = ARTICLE_REF_SLUG;
    return ref;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Decodes percent-encoding. Returns the length; `room` means that the text did not fit. A wrong encoding stays
 * as it is, and no id or slug has a '%'. */
static size_t decode(const char *text, size_t length, char *to, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < length && n < room; n++) {
        bool is_encoded =
            text[i] == '%' && i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
        to[n] = is_encoded ? (char)(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
        i += is_encoded ? 3 : 1;
    }
    return n;
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
