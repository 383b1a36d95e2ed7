/* The errors of a session that can't connect. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "import/session.h"

struct address {
    char url[100];
};

ParameterizedTestParameters(session, the_error_of_a_failed_connection_has_no_password)
{
    static struct address cases[] = {
        {"postgres://user:secret@127.0.0.1:1/x"},
        {"postgre://user:secret@127.0.0.1:1/x"},
        {"user:secret@127.0.0.1"},
        {"postgres://user:top/secret@127.0.0.1:1/x"},
        {"postgres://user:secret@127.0.0.1:port/x"},
        {"postgres://user:secret@127.0.0.1:1/x?surprise=secret"},
        {"host=127.0.0.1 port=1 password='secret"},
        {"postgres://user:secret@127.0.0.1:1,127.0.0.1:2/x?target_session_attrs=any"},
        {"postgres://user:se%20secret@127.0.0.1:1/x?passfile=/nowhere"},
        {"postgres://user:%zzsecret@127.0.0.1:1/x"},
        {"service=no-such-service password=secret"},
    };
    return cr_make_param_array(struct address, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct address *c, session, the_error_of_a_failed_connection_has_no_password)
{
    struct session session;

    cr_expect_not(session_init(&session, c->url));
    cr_expect_gt(strlen(session.error), 10, "%s", c->url);
    cr_expect_null(strstr(session.error, "secret"), "%s: %s", c->url, session.error);
    cr_expect_null(strchr(session.error, '\n'), "%s: %s", c->url, session.error);
    session_finish(&session);
}
