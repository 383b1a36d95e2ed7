/* RFC 5646, section 2.1:
 *
 *     zh -yue    -Hant  -HK    -1996    -u-co-pinyin  -x-mine
 *     language   script region variants extensions    private use
 *      extlang (0 to 3)                                                                             */
#include "import/language_tag.h"

#include <string.h>

struct subtag {
    char *text;
    size_t bytes, letters, digits;
};

struct reader {
    char *rest; /* the part that has not been read; NULL at the end */
    struct subtag next;
};

static bool copy(const char *text, size_t bytes, char *tag);
static void advance(struct reader *r);
static bool read_language(struct reader *r);
static void read_script(struct reader *r);
static void read_region(struct reader *r);
static void read_variants(struct reader *r);
static bool read_extensions(struct reader *r);
static bool read_group(struct reader *r, size_t min_bytes);
static bool is_letters(const struct subtag *s, size_t min, size_t max);
static bool is_alphanumeric(const struct subtag *s, size_t min, size_t max);
static char upper(char c);

bool language_tag_parse(const char *text, size_t bytes, char ret_tag[LANGUAGE_TAG_MAX_BYTES + 1])
{
    char tag[LANGUAGE_TAG_MAX_BYTES + 1];
    struct reader r = {.rest = tag};

    if (!copy(text, bytes, tag))
        return false;
    advance(&r);
    if (r.next.bytes != 1) { /* a tag may be private as a whole: x-mine */
        if (!read_language(&r))
            return false;
        read_script(&r);
        read_region(&r);
        read_variants(&r);
        if (!read_extensions(&r))
            return false;
    }
    if (r.next.bytes == 1 && r.next.text[0] == 'x' && !read_group(&r, 1))
        return false;
    if (r.next.text != NULL)
        return false;
    memcpy(ret_tag, tag, bytes + 1);
    return true;
}

/* In lower case, which is the canonical case of all but scripts and regions. */
static bool copy(const char *text, size_t bytes, char *tag)
{
    if (bytes == 0 || bytes > LANGUAGE_TAG_MAX_BYTES)
        return false;
    for (size_t i = 0; i < bytes; i++)
        tag[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    tag[bytes] = '\0';
    return strlen(tag) == bytes;
}

static void advance(struct reader *r)
{
    r->next = (struct subtag){.text = r->rest};
    if (r->rest == NULL)
        return;
    for (char *c = r->rest; *c != '\0' && *c != '-'; c++) {
        r->next.bytes++;
        r->next.letters += *c >= 'a' && *c <= 'z';
        r->next.digits += *c >= '0' && *c <= '9';
    }
    r->rest = r->rest[r->next.bytes] == '-' ? r->rest + r->next.bytes + 1 : NULL;
}

static bool read_language(struct reader *r)
{
    if (!is_letters(&r->next, 2, 8))
        return false;
    bool may_extend = r->next.bytes <= 3;
    advance(r);
    for (int i = 0; may_extend && i < 3 && is_letters(&r->next, 3, 3); i++)
        advance(r);
    return true;
}

static void read_script(struct reader *r)
{
    if (!is_letters(&r->next, 4, 4))
        return;
    r->next.text[0] = upper(r->next.text[0]);
    advance(r);
}

static void read_region(struct reader *r)
{
    if (!is_letters(&r->next, 2, 2) && !(r->next.bytes == 3 && r->next.digits == 3))
        return;
    for (size_t i = 0; i < r->next.bytes; i++)
        r->next.text[i] = upper(r->next.text[i]);
    advance(r);
}

static void read_variants(struct reader *r)
{
    while (is_alphanumeric(&r->next, 5, 8) ||
           (is_alphanumeric(&r->next, 4, 4) && r->next.text[0] <= '9'))
        advance(r);
}

static bool read_extensions(struct reader *r)
{
    while (is_alphanumeric(&r->next, 1, 1) && r->next.text[0] != 'x')
        if (!read_group(r, 2))
            return false;
    return true;
}

/* A letter or digit, and the subtags that it introduces: at least one. */
static bool read_group(struct reader *r, size_t min_bytes)
{
    advance(r);
    if (!is_alphanumeric(&r->next, min_bytes, 8))
        return false;
    while (is_alphanumeric(&r->next, min_bytes, 8))
        advance(r);
    return true;
}

static bool is_letters(const struct subtag *s, size_t min, size_t max)
{
    return s->letters == s->bytes && s->bytes >= min && s->bytes <= max;
}

static bool is_alphanumeric(const struct subtag *s, size_t min, size_t max)
{
    return s->letters + s->digits == s->bytes && s->bytes >= min && s->bytes <= max;
}

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}
