/* base/container_of.h - from a member back to the struct that embeds it. */
#ifndef BASE_CONTAINER_OF_H
#define BASE_CONTAINER_OF_H

#include <stddef.h>

#define container_of(member_pointer, type, member) \
    ((type *)((char *)(member_pointer)-offsetof(type, member)))

#endif
