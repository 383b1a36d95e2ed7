/* What can be said about a database that is not there. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "import/session.h"

struct address {
    char url[100];
};

ParameterizedTestParameters(session, a_database_that_is_not_there_has_words_without_the_password)
{
    static struct address cases[] = {
        {"postgres://user:secret@127.0.0.1:1/x"},
        {"postgre://user:secret@127.0.0.1:1/x"},
        {"user:secret@127.0.0.1"},
        {"postgres://user:top/secret@127.0.0.1:1/x"},
        {"postgres://user:secret@127.0.0.1:port/x"},
        {"postgres://user:secret@127.0.0.1:1/x?surprise=secret"},
        {"host=127.0.0.1 port=1 password='secret"},
    };
    return cr_make_param_array(struct address, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct address *c, session,
                  a_database_that_is_not_there_has_words_without_the_password)
{
    struct session session;

    cr_expect_not(session_init(&session, c->url));
    cr_expect_gt(strlen(session.error), 10, "%s", c->url);
    cr_expect_null(strstr(session.error, "secret"), "%s: %s", c->url, session.error);
    cr_expect_null(strchr(session.error, '\n'), "%s: %s", c->url, session.error);
    session_finish(&session);
}
