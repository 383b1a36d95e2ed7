#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "server/listener.h"

struct form {
    char text[64], want[64];
};

ParameterizedTestParameters(listen_address, reads_the_forms_of_an_address)
{
    static struct form cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080"},
        {"0.0.0.0:80", "0.0.0.0:80"},
        {"127.0.0.1:0", "127.0.0.1:0"},
        {"127.0.0.1:65535", "127.0.0.1:65535"},
        {"127.0.0.1:00080", "127.0.0.1:80"},
        {"[::1]:8080", "[::1]:8080"},
        {"[::]:1", "[::]:1"},
        {"[2001:db8::7]:443", "[2001:db8::7]:443"},
        {"[0:0:0:0:0:0:0:1]:9", "[::1]:9"},
    };
    return cr_make_param_array(struct form, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct form *c, listen_address, reads_the_forms_of_an_address)
{
    struct listen_address address;
    char *error = NULL;
    cr_assert(listen_address_parse(&address, c->text, &error), "%s: %s", c->text, error);
    char *text = listen_address_text(&address);
    cr_expect_str_eq(text, c->want);
    free(text);
}

Test(listen_address, means_every_address_when_only_a_port_is_named)
{
    struct listen_address address;
    char *error = NULL;
    cr_assert(listen_address_parse(&address, ":8080", &error), "%s", error);
    char *text = listen_address_text(&address);
    cr_expect(strcmp(text, "0.0.0.0:8080") == 0 || strcmp(text, "[::]:8080") == 0, "%s", text);
    free(text);
}

Test(listen_address, resolves_a_name)
{
    struct listen_address address;
    char *error = NULL;
    cr_assert(listen_address_parse(&address, "localhost:81", &error), "%s", error);
    char *text = listen_address_text(&address);
    cr_expect(strcmp(text, "127.0.0.1:81") == 0 || strcmp(text, "[::1]:81") == 0, "%s", text);
    free(text);
}

struct bad_form {
    char text[64];
};

ParameterizedTestParameters(listen_address, names_the_fault_of_a_bad_address)
{
    static struct bad_form cases[] = {
        {""},
        {"8080"},
        {"127.0.0.1"},
        {"127.0.0.1:"},
        {"127.0.0.1:http"},
        {"127.0.0.1:80a"},
        {"127.0.0.1: 80"},
        {"127.0.0.1:80 "},
        {"127.0.0.1:+80"},
        {"127.0.0.1:-1"},
        {"127.0.0.1:65536"},
        {"127.0.0.1:4294967376"},
        {"127.0.0.1:18446744073709551696"},
        {"127.0.0.1:0x50"},
        {"[::1]"},
        {"[::1"},
        {"[::1]8080"},
        {"[localhost]:80"},
        {"[::g]:80"},
    };
    return cr_make_param_array(struct bad_form, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_form *c, listen_address, names_the_fault_of_a_bad_address)
{
    struct listen_address address;
    char *error = NULL, quoted[80];
    snprintf(quoted, sizeof(quoted), "\"%s\"", c->text);
    cr_assert_not(listen_address_parse(&address, c->text, &error), "%s", c->text);
    cr_expect_not_null(strstr(error, quoted), "%s", error);
    cr_expect_null(strchr(error, '\n'), "%s", error);
    free(error);
}
