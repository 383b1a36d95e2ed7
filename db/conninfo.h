/* db/conninfo.h - where and how to connect: the parts of DATABASE_URL, which are read once at the start.
 *
 * libpq blocks while it resolves a host name. So the hosts are kept apart from the other parameters:
 * db/connect.h resolves them on the loop, and gives libpq one address at a time. Nothing changes after
 * the creation, and all threads share it. It has the password: never print values. */
#ifndef DB_CONNINFO_H
#define DB_CONNINFO_H

#include <stdbool.h>
#include <stddef.h>

enum { DB_CONNINFO_MAX_HOSTS = 16 };

struct db_host {
    const char *name;    /* a name, a path of Unix sockets, or "" for the default path */
    const char *address; /* numeric; "" where the name must be resolved, or is a path */
    const char *port;    /* "" is the default port */
};

struct db_conninfo {
    const char **keywords; /* without host, hostaddr and port; NULL ends both arrays */
    const char **values;
    struct db_host hosts[DB_CONNINFO_MAX_HOSTS]; /* in the order in which they are tried */
    size_t nhosts;                               /* 1 or more */
    unsigned connect_timeout_s; /* for each address, as libpq reads it: 2 or more; 0: not given */
};

/* url: any form that libpq accepts, a URI or key=value pairs. Missing parts come from PGHOST, PGSERVICE
 * and the like. A url that does not set target_session_attrs gets read-write, so that every connection
 * leads to a primary. Returns NULL for a url that is not valid, and the reason in *ret_error (malloc'ed;
 * it has no password in it). May set PGSERVICE: call it before there are threads. */
struct db_conninfo *db_conninfo_create(const char *url, char **ret_error);
void db_conninfo_destroy(struct db_conninfo *info); /* NULL is fine */

/* Must this name be resolved before libpq may connect to it? */
bool db_host_is_name(const struct db_host *host);

#endif
