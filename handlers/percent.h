/* handlers/percent.h - percent-encoding (RFC 3986, section 2.1). */
#ifndef HANDLERS_PERCENT_H
#define HANDLERS_PERCENT_H

#include <h2o.h>
#include <stdbool.h>

/* Decodes a text. A "%" without two digits stands for itself. is_form: a value as forms send it, where "+" is a
 * blank. Writes at most `room` bytes, and returns how many; a text is never longer than its encoded form. */
size_t percent_decode(h2o_iovec_t text, bool is_form, char *to, size_t room);

#endif
