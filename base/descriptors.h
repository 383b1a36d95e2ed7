/* base/descriptors.h - the limit of open descriptors. */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <sys/resource.h>

/* Raises the soft limit, which is usually 1,024, to the hard one. Returns the hard limit, or RLIM_INFINITY. */
rlim_t descriptors_raise_limit(void);

#endif
