#include "db/conninfo.h"

#include <arpa/inet.h>
#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TIMEOUT_S = 3600 };

static const char *wrong_value(const PQconninfoOption *given);
static bool is_one_of(const char *value, const char *const *known);
static unsigned timeout_s(const char *value);
static const char *value_of(const PQconninfoOption *options, const char *keyword);
static bool take_parameters(struct db_conninfo *info, const PQconninfoOption *given,
                            const PQconninfoOption *defaults);
static bool take_hosts(struct db_conninfo *info, const char *names, const char *addresses,
                       const char *ports);
static size_t split(const char *list, const char *parts[DB_CONNINFO_MAX_HOSTS]);

struct db_conninfo *db_conninfo_create(const char *url, char **ret_error)
{
    char *error = NULL;
    PQconninfoOption *given = PQconninfoParse(url, &error);
    if (given == NULL) {
        /* libpq quotes the part that it can't parse, and that may be the password. */
        PQfreemem(error);
        *ret_error = strdup("it is neither a URI such as postgres://user@host/database nor "
                            "key=value pairs");
        return NULL;
    }
    const char *wrong = wrong_value(given);
    if (wrong != NULL) {
        PQconninfoFree(given);
        *ret_error = strdup(wrong);
        return NULL;
    }
    /* A service may name a host too. libpq shows the parts of a service only by the environment. */
    const char *service = value_of(given, "service");
    if (service != NULL)
        setenv("PGSERVICE", service, 1);
    PQconninfoOption *defaults = PQconndefaults();
    assert(defaults != NULL);

    struct db_conninfo *info = calloc(1, sizeof(*info));
    assert(info != NULL);
    if (!take_parameters(info, given, defaults)) {
        *ret_error = strdup("it has more hosts than this program tries (16), or another number of "
                            "addresses or ports than of hosts");
        db_conninfo_destroy(info);
        info = NULL;
    }
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    return info;
}

static bool take_parameters(struct db_conninfo *info, const PQconninfoOption *given,
                            const PQconninfoOption *defaults)
{
    size_t n = 0, room = 5; /* for those that are added below, and the NULL */
    for (const PQconninfoOption *o = given; o->keyword != NULL; o++)
        room++;
    info->keywords = calloc(room, sizeof(*info->keywords));
    info->values = calloc(room, sizeof(*info->values));
    assert(info->keywords != NULL && info->values != NULL);

    const char *host = "", *hostaddr = "", *port = "", *attrs = "read-write";
    for (const PQconninfoOption *o = given; o->keyword != NULL; o++) {
        const char *value = o->val != NULL ? o->val : value_of(defaults, o->keyword);
        if (value == NULL || value[0] == '\0')
            continue;
        if (strcmp(o->keyword, "host") == 0) {
            host = value;
        } else if (strcmp(o->keyword, "hostaddr") == 0) {
            hostaddr = value;
        } else if (strcmp(o->keyword, "port") == 0) {
            port = value;
        } else if (strcmp(o->keyword, "connect_timeout") == 0) {
            info->connect_timeout_s = timeout_s(value);
        } else if (strcmp(o->keyword, "target_session_attrs") == 0) {
            attrs = o->val != NULL || strcmp(value, "any") != 0 ? value : attrs;
        } else if (strcmp(o->keyword, "client_encoding") != 0 &&
                   (strcmp(o->keyword, "gssencmode") != 0 || o->val != NULL)) {
            info->keywords[n] = strdup(o->keyword);
            info->values[n++] = strdup(value);
        }
    }
    info->keywords[n] = strdup("target_session_attrs");
    info->values[n++] = strdup(attrs);
    /* The answers are UTF-8. libpq blocks while it asks Kerberos, so it asks only where the url says so. */
    info->keywords[n] = strdup("client_encoding");
    info->values[n++] = strdup("UTF8");
    info->keywords[n] = strdup("fallback_application_name");
    info->values[n++] = strdup("broadsheet");
    if (value_of(given, "gssencmode") == NULL) {
        info->keywords[n] = strdup("gssencmode");
        info->values[n++] = strdup("disable");
    }
    assert(n < room);
    return take_hosts(info, host, hostaddr, port);
}

/* As libpq reads it: none, 0 and less mean "no limit", and 1 is too little for it. */
static unsigned timeout_s(const char *value)
{
    long s = strtol(value, NULL, 10);
    return s <= 0 ? 0 : s < 2 ? 2 : s > MAX_TIMEOUT_S ? MAX_TIMEOUT_S : (unsigned)s;
}

/* libpq checks these values only when it connects. That is too late to report a mistake. */
static const char *wrong_value(const PQconninfoOption *given)
{
    static const char *const modes[] = {"disable",   "allow",       "prefer", "require",
                                        "verify-ca", "verify-full", NULL};
    static const char *const attrs[] = {"any",     "read-write",     "read-only", "primary",
                                        "standby", "prefer-standby", NULL};
    const char *port = value_of(given, "port"), *timeout = value_of(given, "connect_timeout");
    if (port != NULL && strspn(port, "0123456789,") != strlen(port))
        return "its port is not a number";
    if (timeout != NULL &&
        (timeout[0] == '\0' || strspn(timeout, "-0123456789 ") != strlen(timeout)))
        return "its connect_timeout is not a number of seconds";
    if (!is_one_of(value_of(given, "sslmode"), modes))
        return "its sslmode is none that libpq knows, such as require or verify-full";
    if (!is_one_of(value_of(given, "target_session_attrs"), attrs))
        return "its target_session_attrs is none that libpq knows, such as read-write";
    return NULL;
}

/* A value that is not given is fine. */
static bool is_one_of(const char *value, const char *const *known)
{
    for (; value != NULL && *known != NULL; known++) {
        if (strcmp(value, *known) == 0)
            return true;
    }
    return value == NULL;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    }
    return NULL;
}

static bool is_address(const char *host)
{
    struct in6_addr unused;
    return inet_pton(AF_INET, host, &unused) == 1 || inet_pton(AF_INET6, host, &unused) == 1;
}

/* Makes one list of hosts from three lists that have commas between their items, as libpq does: one port
 * may be for all hosts, and there may be names, addresses or both. */
static bool take_hosts(struct db_conninfo *info, const char *names, const char *addresses,
                       const char *ports)
{
    const char *name[DB_CONNINFO_MAX_HOSTS], *address[DB_CONNINFO_MAX_HOSTS],
        *port[DB_CONNINFO_MAX_HOSTS];
    size_t nnames = split(names, name), naddresses = split(addresses, address),
           nports = split(ports, port);
    size_t n = nnames > naddresses ? nnames : naddresses;

    bool fits = nnames > 0 && naddresses > 0 && nports > 0 &&
                (addresses[0] == '\0' || names[0] == '\0' || nnames == naddresses) &&
                (nports == 1 || nports == n);
    for (size_t i = 0; fits && i < n; i++) {
        const char *host = names[0] == '\0' ? "" : name[i];
        bool needs_address = addresses[0] == '\0' || address[i][0] == '\0';
        info->hosts[i] = (struct db_host){
            .name = strdup(host),
            .address = strdup(!needs_address     ? address[i]
                              : is_address(host) ? host
                                                 : ""),
            .port = strdup(nports == 1 ? port[0] : port[i]),
        };
        info->nhosts++;
    }
    for (size_t i = 0; i < nnames; i++)
        free((char *)name[i]);
    for (size_t i = 0; i < naddresses; i++)
        free((char *)address[i]);
    for (size_t i = 0; i < nports; i++)
        free((char *)port[i]);
    return fits;
}

/* Returns the number of parts, each malloc'ed, or 0 where there are too many. "" has one empty part. */
static size_t split(const char *list, const char *parts[DB_CONNINFO_MAX_HOSTS])
{
    size_t n = 0;
    for (const char *part = list; part != NULL; n++) {
        const char *comma = strchr(part, ',');
        if (n == DB_CONNINFO_MAX_HOSTS) {
            while (n > 0)
                free((char *)parts[--n]);
            return 0;
        }
        parts[n] = comma != NULL ? strndup(part, (size_t)(comma - part)) : strdup(part);
        part = comma != NULL ? comma + 1 : NULL;
    }
    return n;
}

bool db_host_is_name(const struct db_host *host)
{
    return host->address[0] == '\0' && host->name[0] != '\0' && host->name[0] != '/' &&
           host->name[0] != '@';
}

void db_conninfo_destroy(struct db_conninfo *info)
{
    if (info == NULL)
        return;
    for (size_t i = 0; info->keywords[i] != NULL; i++) {
        free((char *)info->keywords[i]);
        free((char *)info->values[i]);
    }
    for (size_t i = 0; i < info->nhosts; i++) {
        free((char *)info->hosts[i].name);
        free((char *)info->hosts[i].address);
        free((char *)info->hosts[i].port);
    }
    free(info->keywords);
    free(info->values);
    free(info);
}
