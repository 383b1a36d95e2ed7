/* db/conninfo.h - where and how to connect: DATABASE_URL, taken apart once at the start.
 *
 * libpq resolves host names blocking, so the hosts stand apart from the other parameters: db/resolve.h
 * finds their addresses on the loop and libpq is given those. Immutable after creation, shared by all
 * threads. It holds the password: never print values. */
#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>

enum { DB_CONNINFO_MAX_HOSTS = 16 };

struct db_host {
    const char *name;    /* a name, a path of Unix sockets, or "" for the default path */
    const char *address; /* numeric; "" where the name has to be resolved or is a path */
    const char *port;    /* "" is the default port */
};

struct db_conninfo {
    const char **keywords; /* without host, hostaddr and port; NULL ends both arrays */
    const char **values;
    struct db_host hosts[DB_CONNINFO_MAX_HOSTS]; /* in the order they are tried */
    size_t nhosts;                               /* 1 or more */
};

/* Takes any form that libpq takes: a URI or key=value pairs; what it leaves out comes from PGHOST,
 * PGSERVICE and the like. Returns NULL where it can't be understood, with the reason in *ret_error
 * (malloc'ed; names no password). May set PGSERVICE: call it before there are threads. */
struct db_conninfo *db_conninfo_create(const char *url, char **ret_error);
void db_conninfo_destroy(struct db_conninfo *info); /* NULL is fine */

/* Is there an address to look up before libpq may be asked to connect to this host? */
bool db_host_is_name(const struct db_host *host);

#endif
