/* server/serve.h - the command `serve`: from the settings to the last answer. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include <h2o.h>

#include "server/options.h"

/* Puts the handlers on a host (handlers/routes.h). It is a parameter, since server/ includes nothing of
 * handlers/. */
typedef void register_routes_fn(h2o_hostconf_t *host);

/* Returns the exit status: 0 drained, 1 could not start, 2 a setting is wrong (one line on stderr). */
int serve(const struct options *options, register_routes_fn *register_routes);

#endif
