/* fetch/url.h - the addresses that can be fetched. Any thread. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#include <stdbool.h>

enum { FETCH_HOST_SIZE = 256 };

/* Valid: an absolute http or https URL with a host, of at most FETCH_URL_MAX_BYTES. False: *ret_why is the
 * fault, static text without parts of the URL, such as "give an http or https address". */
bool fetch_url_is_valid(const char *url, const char **ret_why);

/* The host of a valid URL, without port, user and password. An IPv6 address has its brackets. Cut off where it is
 * too long. */
void fetch_url_host(const char *url, char ret_host[FETCH_HOST_SIZE]);

bool fetch_url_is_web(const char *url);    /* its scheme is http or https */
bool fetch_url_is_secure(const char *url); /* of a valid URL: https */

/* Where `location`, absolute or relative, leads from the valid URL `base`. Within one scheme, host and port, the user
 * and the password of the base go along. malloc'ed; NULL if it is no URL. */
char *fetch_url_resolve(const char *base, const char *location);

#endif
