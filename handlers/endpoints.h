/* handlers/endpoints.h - the handlers, each in the file of its name; see route_fn. */
#ifndef HANDLERS_ENDPOINTS_H
#define HANDLERS_ENDPOINTS_H

#include "handlers/routes.h"

route_fn article_get; /* GET /articles/{id}, and /articles/{slug} */
route_fn related_get; /* GET /articles/{id}/related, and /articles/{id}/related?explain=1 */
route_fn health_get;  /* GET /healthz */
route_fn ready_get;   /* GET /readyz */
route_fn metrics_get; /* GET /metrics */
route_fn weather_get; /* GET /weather */

#endif
