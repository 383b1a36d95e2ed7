#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "db/reason.h"

struct reason_case {
    char message[256], want[200], sqlstate[DB_SQLSTATE_BYTES];
};

ParameterizedTestParameters(reason, keeps_only_the_text_for_people)
{
    static struct reason_case cases[] = {
        {"", "", ""},
        {"server closed the connection unexpectedly\n\tThis probably means\n",
         "server closed the connection unexpectedly  This probably means", ""},
        {"connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  53300: sorry, too many "
         "clients already\nLOCATION:  ProcArrayAdd, procarray.c:500\n",
         "connection to server at \"127.0.0.1\", port 5432 failed: FATAL: sorry, too many clients "
         "already",
         "53300"},
        {"FATAL:  3D000: database \"x\" does not exist\nLOCATION:  InitPostgres, postinit.c:9\n",
         "FATAL: database \"x\" does not exist", "3D000"},
        {"FATALE:  28P01: autenticazione con password fallita\nHINT:  LOCATION: here\n",
         "FATALE: autenticazione con password fallita HINT:  LOCATION: here", "28P01"},
        {"ERROR:  the value:  12345 is wrong", "ERROR:  the value:  12345 is wrong", ""},
    };
    return cr_make_param_array(struct reason_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct reason_case *c, reason, keeps_only_the_text_for_people)
{
    char text[256], sqlstate[DB_SQLSTATE_BYTES];
    db_reason_copy(text, sizeof(text), c->message);
    cr_expect_str_eq(text, c->want);
    cr_expect_eq(db_reason_sqlstate(c->message, sqlstate), c->sqlstate[0] != '\0');
    cr_expect_str_eq(sqlstate, c->sqlstate);
}

Test(reason, cuts_a_message_that_is_too_long)
{
    const char *message = "FATAL:  53300: sorry, too many clients already\n";
    for (size_t size = 1; size < 40; size++) {
        char text[64];
        memset(text, 'x', sizeof(text));
        db_reason_copy(text, size, message);
        cr_assert_lt(strlen(text), size);
        cr_assert_eq(text[size], 'x');
    }
}

Test(reason, is_cut_between_two_characters)
{
    const char *message = "\u0416\u4e2d\U0001F600 end"; /* characters of 2, 3 and 4 bytes */
    static const size_t want[] = {0, 0, 2, 2, 2, 5, 5, 5, 5, 9};
    for (size_t size = 1; size <= 10; size++) {
        char text[16];
        db_reason_copy(text, size, message);
        cr_expect_eq(strlen(text), want[size - 1], "%zu: %s", size, text);
    }
}

Test(reason, knows_which_errors_mean_that_a_server_is_full)
{
    cr_expect(db_reason_is_full("53300"));
    cr_expect(db_reason_is_full("53200"));
    cr_expect_not(db_reason_is_full("28P01"));
    cr_expect_not(db_reason_is_full(""));
}
