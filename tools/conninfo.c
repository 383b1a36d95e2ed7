/* Prints how PostgreSQL's own programs reach the database of DATABASE_URL, for scripts.
 *
 *     DATABASE_URL --> libpq resolves it --> NAME=VALUE, a zero byte after each, on standard output
 *
 * psql shows an address that it gets as an argument, and the password in it, to every user of the machine. It also
 * reads each option from an environment variable, which other users cannot see. Only libpq knows exactly how an
 * address becomes options (percent-encoding, several hosts, service files, defaults), so libpq does it here:
 * PQconnectStart applies the address, then the service file, then the environment. It begins to connect; this
 * program ends before a connection exists.
 *
 * An option that has no environment variable comes as a line of a service file, under the name SERVICE_LINE.
 * The exit status is 1 when the address is not usable. Standard error then has the reason, without any part of it that
 * can hold a password. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *why_not(const char *url);
static PQconninfoOption *resolve(const char *url);
static void print(const PQconninfoOption *option);

int main(void)
{
    const char *url = getenv("DATABASE_URL");
    const char *reason = why_not(url);
    if (reason != NULL) {
        fprintf(stderr, "DATABASE_URL: %s\n", reason);
        return 1;
    }
    PQconninfoOption *options = resolve(url);
    if (options == NULL)
        return 1;
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++)
        print(option);
    PQconninfoFree(options);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* libpq's message quotes the part that it cannot parse, and that part may be the password. */
static const char *why_not(const char *url)
{
    if (url == NULL || url[0] == '\0')
        return "it is not set";
    PQconninfoOption *given = PQconninfoParse(url, NULL);
    if (given == NULL)
        return "it is neither a URI such as postgresql://user@host/database nor key=value pairs "
               "that libpq knows";
    PQconninfoFree(given);
    return NULL;
}

static PQconninfoOption *resolve(const char *url)
{
    PGconn *conn = PQconnectStart(url);
    PQconninfoOption *options = NULL;
    if (conn == NULL)
        fprintf(stderr, "DATABASE_URL: there is no memory\n");
    else if (PQstatus(conn) == CONNECTION_BAD)
        fprintf(stderr, "DATABASE_URL: %s", PQerrorMessage(conn));
    else
        options = PQconninfo(conn);
    PQfinish(conn);
    return options;
}

static void print(const PQconninfoOption *option)
{
    if (option->val == NULL)
        return;
    if (option->envvar != NULL)
        printf("%s=%s%c", option->envvar, option->val, '\0');
    else if (option->compiled == NULL || strcmp(option->compiled, option->val) != 0)
        printf("SERVICE_LINE=%s=%s%c", option->keyword, option->val, '\0');
}
