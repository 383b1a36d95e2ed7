/* import/web_url.h - is this text the absolute address of something on the web? */
#ifndef IMPORT_WEB_URL_H
#define IMPORT_WEB_URL_H

#include <stdbool.h>
#include <stddef.h>

/* True for http://HOST... and https://HOST... in any case, without white space and control
 * characters of Unicode. The text must be UTF-8 without NUL. The part after the host is not checked. */
bool web_url_is_absolute(const char *text, size_t bytes);

#endif
