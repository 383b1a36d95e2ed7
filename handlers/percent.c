#include "handlers/percent.h"

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t percent_decode(h2o_iovec_t text, bool is_form, char *to, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len && n < room; i++) {
        const char *c = &text.base[i];
        bool is_encoded = *c == '%' && text.len - i > 2 && digit(c[1]) >= 0 && digit(c[2]) >= 0;
        to[n++] = is_encoded             ? (char)(digit(c[1]) * 16 + digit(c[2]))
                  : is_form && *c == '+' ? ' '
                                         : *c;
        i += is_encoded ? 2 : 0;
    }
    return n;
}
