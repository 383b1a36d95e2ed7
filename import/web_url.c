/* RFC 3986, section 3, the part that matters:
 *
 *     https  ://  user@  www.example.org  :8080  /image.jpg?size=2#top
 *     scheme             host              port   (not checked)                                    */
#include "import/web_url.h"

#include <string.h>
#include <strings.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

static bool has_blank_or_control(const char *text, size_t bytes);
static size_t scheme_bytes(const char *text, size_t bytes);
static bool is_host_and_port(const char *start, const char *end);
static bool is_port(const char *start, const char *end);
static const char *find_any(const char *start, const char *end, const char *set);

bool web_url_is_absolute(const char *text, size_t bytes)
{
    size_t scheme = scheme_bytes(text, bytes);
    const char *start = text + scheme, *end = text + bytes;

    if (scheme == 0 || has_blank_or_control(text, bytes))
        return false;
    end = find_any(start, end, "/?#");
    const char *at = memrchr(start, '@', (size_t)(end - start));
    return is_host_and_port(at != NULL ? at + 1 : start, end);
}

static size_t scheme_bytes(const char *text, size_t bytes)
{
    static const char *const schemes[] = {"http://", "https://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i]);
        if (bytes > n && strncasecmp(text, schemes[i], n) == 0)
            return n;
    }
    return 0;
}

static bool has_blank_or_control(const char *text, size_t bytes)
{
    for (int32_t i = 0; i < (int32_t)bytes;) {
        UChar32 c;
        U8_NEXT(text, i, (int32_t)bytes, c);
        if (c < 0 || u_isUWhiteSpace(c) || u_charType(c) == U_CONTROL_CHAR)
            return true;
    }
    return false;
}

/* An IPv6 address stands in brackets, because it has colons. */
static bool is_host_and_port(const char *start, const char *end)
{
    const char *host_end = find_any(start, end, ":");

    if (start < end && *start == '[') {
        host_end = find_any(start, end, "]");
        if (host_end == end || host_end == start + 1)
            return false;
        start++;
        if (find_any(start, host_end, "[@<>\"\\^`{|}") != host_end)
            return false;
        host_end++;
    } else if (start == host_end || find_any(start, host_end, "[]<>\"\\^`{|}") != host_end) {
        return false;
    }
    return host_end == end || (*host_end == ':' && is_port(host_end + 1, end));
}

static bool is_port(const char *start, const char *end)
{
    unsigned port = 0;

    for (; start < end; start++) {
        if (*start < '0' || *start > '9')
            return false;
        port = 10 * port + (unsigned)(*start - '0');
        if (port > 65535)
            return false;
    }
    return true;
}

/* The first byte of the set, or the end. */
static const char *find_any(const char *start, const char *end, const char *set)
{
    while (start < end && strchr(set, *start) == NULL)
        start++;
    return start;
}
