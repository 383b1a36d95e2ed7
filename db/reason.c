#include "db/reason.h"

#include <string.h>

#include "base/utf8.h"

static const char *sqlstate_at(const char *text);
static bool is_location(const char *line);

/* Without the first bytes of a character of UTF-8 whose other bytes are missing. */
static size_t whole_characters(const char *text, size_t n)
{
    size_t start = n;

    while (start > 0 && n - start < 4 && (text[start - 1] & 0xC0) == 0x80)
        start--;
    return start > 0 && utf8_sequence(text + start - 1, n - start + 1) == 0 ? start - 1 : n;
}

void db_reason_copy(char *to, size_t size, const char *message)
{
    size_t n = 0;
    const char *from = message;
    while (*from != '\0' && n + 1 < size) {
        bool is_line_start = from == message || from[-1] == '\n';
        if (is_line_start && is_location(from)) {
            from += strcspn(from, "\n");
        } else if (sqlstate_at(from) != NULL) {
            to[n++] = ':';
            from += strlen(":  XXXXX:"); /* the space before the text stays */
        } else {
            to[n++] = *from == '\n' || *from == '\t' || *from == '\r' ? ' ' : *from;
            from++;
        }
    }
    if (*from != '\0') /* no half of a character at the end */
        n = whole_characters(to, n);
    while (n > 0 && to[n - 1] == ' ')
        n--;
    to[n] = '\0';
}

bool db_reason_sqlstate(const char *message, char ret_sqlstate[DB_SQLSTATE_BYTES])
{
    ret_sqlstate[0] = '\0';
    for (const char *at = message; *at != '\0'; at++) {
        const char *sqlstate = sqlstate_at(at);
        if (sqlstate != NULL) {
            memcpy(ret_sqlstate, sqlstate, DB_SQLSTATE_BYTES - 1);
            ret_sqlstate[DB_SQLSTATE_BYTES - 1] = '\0';
        }
    }
    return ret_sqlstate[0] != '\0';
}

/* libpq writes "FATAL:  53300: sorry, too many clients already". */
static const char *sqlstate_at(const char *text)
{
    if (strncmp(text, ":  ", 3) != 0)
        return NULL;
    const char *sqlstate = text + 3;
    size_t n = strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    return n == DB_SQLSTATE_BYTES - 1 && strncmp(sqlstate + n, ": ", 2) == 0 ? sqlstate : NULL;
}

static bool is_location(const char *line)
{
    return strncmp(line, "LOCATION:  ", strlen("LOCATION:  ")) == 0;
}

bool db_reason_is_full(const char *sqlstate)
{
    return strncmp(sqlstate, "53", 2) == 0;
}
