/* server/resource.h - answers a request for a resource: from memory, or by a look-up. */
#ifndef SERVER_RESOURCE_H
#define SERVER_RESOURCE_H

#include <h2o.h>

#include "server/lookup.h"

/* Answers the request with a part of the resource, now or later. key: of part 0; lent for the call. id: for
 * the look-up; 0 where the key is a text. */
void resource_respond(h2o_req_t *req, const struct resource *resource, const struct answer_key *key,
                      int64_t id, unsigned part);

#endif
