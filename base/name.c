/* From a text to a clean name.
 *
 *     trim --> only ASCII? yes: the text is in form C already, lend it
 *                          no: UTF-16 --> form C --> UTF-8 in the name's buffer                     */
#include "base/name.h"

#include <assert.h>
#include <stdbool.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include "base/utf8.h"

static void trim(const char **text, size_t *bytes);
static bool is_ascii(const char *text, size_t bytes);
static enum name_status compose(struct name *name, const char *text, size_t bytes);

/* Composition makes one character of at most four. A longer text therefore can't become a name.
 * This bound keeps the buffers small, and the time too: ICU sorts combining marks in quadratic time.
 * Form C has at most three times as many UTF-16 units as its source (Unicode, annex 15). */
enum {
    MAX_SOURCE_CHARACTERS = 4 * NAME_MAX_CHARACTERS,
    MAX_SOURCE_UNITS = 2 * MAX_SOURCE_CHARACTERS,
    MAX_COMPOSED_UNITS = 3 * MAX_SOURCE_UNITS,
};

enum name_status name_clean(struct name *name, const char *text, size_t bytes)
{
    assert(bytes <= INT32_MAX); /* ICU counts in int32_t */
    trim(&text, &bytes);
    if (bytes == 0)
        return NAME_EMPTY;
    if (!is_ascii(text, bytes))
        return compose(name, text, bytes);
    if (bytes > NAME_MAX_CHARACTERS)
        return NAME_TOO_LONG;
    name->data = text;
    name->bytes = bytes;
    return NAME_OK;
}

static void trim(const char **text, size_t *bytes)
{
    const char *start = *text, *end = start + *bytes;

    while (start < end) {
        UChar32 c;
        int32_t n = 0;
        U8_NEXT(start, n, (int32_t)(end - start), c);
        if (!u_isUWhiteSpace(c))
            break;
        start += n;
    }
    while (start < end) {
        UChar32 c;
        int32_t n = (int32_t)(end - start);
        U8_PREV(start, 0, n, c);
        if (!u_isUWhiteSpace(c))
            break;
        end = start + n;
    }
    *text = start;
    *bytes = (size_t)(end - start);
}

static bool is_ascii(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if ((unsigned char)text[i] >= 0x80)
            return false;
    return true;
}

static enum name_status compose(struct name *name, const char *text, size_t bytes)
{
    UChar source[MAX_SOURCE_UNITS], composed[MAX_COMPOSED_UNITS];
    int32_t nsource, ncomposed, nbytes;
    size_t characters = 0;
    UErrorCode error = U_ZERO_ERROR;

    bool is_utf8 = utf8_count(text, bytes, &characters);
    assert(is_utf8);
    if (characters > MAX_SOURCE_CHARACTERS)
        return NAME_TOO_LONG;
    const UNormalizer2 *form_c = unorm2_getNFCInstance(&error);
    u_strFromUTF8(source, MAX_SOURCE_UNITS, &nsource, text, (int32_t)bytes, &error);
    ncomposed = unorm2_normalize(form_c, source, nsource, composed, MAX_COMPOSED_UNITS, &error);
    assert(U_SUCCESS(error));
    if (u_countChar32(composed, ncomposed) > NAME_MAX_CHARACTERS)
        return NAME_TOO_LONG;
    u_strToUTF8(name->buffer, NAME_MAX_BYTES, &nbytes, composed, ncomposed, &error);
    assert(U_SUCCESS(error));
    name->data = name->buffer;
    name->bytes = (size_t)nbytes;
    return NAME_OK;
}
