/* The address to listen on (server/listener.h). An accepted address is the same address when it is
 * written again.
 *
 * The target refuses names, so that nothing goes to a name server: the linker replaces
 * getaddrinfo by __wrap_getaddrinfo. */
#include <netdb.h>
#include <string.h>

#include "server/listener.h"
#include "tests/fuzz/fuzz.h"

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list);

static void expect_same(const struct listen_address *address);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct listen_address address;
    char *text = malloc(size + 1), *error = NULL;
    fuzz_check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    if (listen_address_parse(&address, text, &error)) {
        fuzz_check(error == NULL);
        expect_same(&address);
    } else {
        fuzz_check(error != NULL && error[0] != '\0');
    }
    free(error);
    free(text);
    return 0;
}

static void expect_same(const struct listen_address *address)
{
    struct listen_address again;
    char *error = NULL, *text = listen_address_text(address);
    fuzz_check(listen_address_parse(&again, text, &error));
    fuzz_check(again.length == address->length);
    fuzz_check(memcmp(&again.address, &address->address, address->length) == 0);
    free(text);
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                       struct addrinfo **ret_list)
{
    struct addrinfo numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return __real_getaddrinfo(node, service, &numeric, ret_list);
}
