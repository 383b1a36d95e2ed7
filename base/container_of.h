/* base/container_of.h - from a member back to the struct that embeds it. */
#ifndef BASE_CONTAINER_OF_H
#define BASE_CONTAINER_OF_H

#include <stddef.h>

/* A pointer to something else than the member does not compile. */
#define container_of(member_pointer, type, member) \
    ((type *)((char *)(1 ? (member_pointer) : &((type *)0)->member) - offsetof(type, member)))

#endif
