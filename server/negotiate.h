/* server/negotiate.h - which form of an answer a request prefers, and which one its client has. */
#ifndef SERVER_NEGOTIATE_H
#define SERVER_NEGOTIATE_H

#include <h2o.h>
#include <stdbool.h>

/* Does the client prefer gzip to the plain bytes (RFC 9110, 12.5.3)? Several
 * headers count as one list; without any header, no. */
bool negotiate_gzip(const h2o_headers_t *headers);

/* Does one If-None-Match name this validator, or any (RFC 9110, 13.1.2: by weak comparison)? etag: with
 * its quotes. */
bool negotiate_is_known(const h2o_headers_t *headers, h2o_iovec_t etag);

#endif
