/* weather/template.h - an address with {latitude}, {longitude} and {name} in place of values. */
#ifndef WEATHER_TEMPLATE_H
#define WEATHER_TEMPLATE_H

#include <stdbool.h>

/* The address with the values, percent-encoded (RFC 3986, section 2.1); malloc'ed. Degrees have at most six digits
 * after the point. NULL: it has a brace that begins none of the three. */
char *template_fill(const char *template, const char *name, double latitude, double longitude);

/* Does it become a valid address (fetch/url.h)? False: *ret_why is the fault, static text. */
bool template_is_valid(const char *template, const char **ret_why);

#endif
