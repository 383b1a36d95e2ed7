/* GET /healthz: this process runs, and its loops serve requests. It says nothing about the database: see
 * /readyz. */
#include "handlers/endpoints.h"
#include "server/respond.h"

void health_get(h2o_req_t *req, const struct route_arguments *arguments)
{
    (void)arguments;
    json_object *body = json_object_new_object();
    json_object_object_add(body, "status", json_object_new_string("alive"));
    respond_json(req, 200, body);
}
