/* server/negotiate.h - what the headers of a request say of the answer that they want. */
#ifndef SERVER_NEGOTIATE_H
#define SERVER_NEGOTIATE_H

#include <h2o.h>
#include <stdbool.h>

/* Is gzip what the client likes best, among gzip and the bytes as they are (RFC 9110, 12.5.3)? Several
 * headers count as one list; without any, no. */
bool negotiate_gzip(const h2o_headers_t *headers);

/* Does one If-None-Match name this validator, or any (RFC 9110, 13.1.2: by weak comparison)? etag: with
 * its quotes. */
bool negotiate_is_known(const h2o_headers_t *headers, h2o_iovec_t etag);

#endif
