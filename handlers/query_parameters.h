/* handlers/query_parameters.h - the parameters in the query of an address. */
#ifndef HANDLERS_QUERY_PARAMETERS_H
#define HANDLERS_QUERY_PARAMETERS_H

#include <h2o.h>

enum { QUERY_MAX_PARAMETERS = 8 };

enum query_parameters_fault {
    QUERY_PARAMETERS_FINE,
    QUERY_PARAMETERS_UNKNOWN,
    QUERY_PARAMETERS_REPEATED,
};

/* query: the text after the "?", as it was sent. names: up to QUERY_MAX_PARAMETERS, then NULL. Sets values[i]
 * to the value of names[i], still percent-encoded and lent; base NULL where it is absent. A parameter that
 * social networks append (utm_source, fbclid ...) is ignored. On a fault, *ret_name is the name of the
 * parameter. */
enum query_parameters_fault query_parameters_read(h2o_iovec_t query, const char *const names[],
                                                  h2o_iovec_t values[QUERY_MAX_PARAMETERS],
                                                  h2o_iovec_t *ret_name);

#endif
