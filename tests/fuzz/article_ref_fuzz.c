/* How a path names an article (handlers/article_ref.h). An accepted text names the same article
 * when it is written again, plain or with every byte percent-encoded. */
#include <inttypes.h>
#include <string.h>

#include "handlers/article_ref.h"
#include "tests/fuzz/fuzz.h"

static void expect_same(const struct article_ref *ref, const char *text);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct article_ref ref = article_ref_parse((const char *)data, size);
    if (ref.kind == ARTICLE_REF_ID) {
        char text[32];
        fuzz_check(ref.id > 0);
        snprintf(text, sizeof(text), "%" PRId64, ref.id);
        expect_same(&ref, text);
    } else if (ref.kind == ARTICLE_REF_SLUG) {
        size_t length = strlen(ref.slug);
        fuzz_check(length > 0 && length <= SLUG_MAX_BYTES);
        fuzz_check(strspn(ref.slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == length);
        fuzz_check(strpbrk(ref.slug, "abcdefghijklmnopqrstuvwxyz") != NULL);
        fuzz_check(strstr(ref.slug, "--") == NULL);
        fuzz_check(ref.slug[0] != '-' && ref.slug[length - 1] != '-');
        expect_same(&ref, ref.slug);
    }
    return 0;
}

static void expect_same(const struct article_ref *ref, const char *text)
{
    char encoded[3 * SLUG_MAX_BYTES + 1], *end = encoded;
    for (const char *c = text; *c != '\0'; c++)
        end += sprintf(end, "%%%02x", (unsigned char)*c);
    const struct article_ref again[] = {article_ref_parse(text, strlen(text)),
                                        article_ref_parse(encoded, (size_t)(end - encoded))};
    for (size_t i = 0; i < 2; i++) {
        fuzz_check(again[i].kind == ref->kind);
        fuzz_check(ref->kind == ARTICLE_REF_ID ? again[i].id == ref->id
                                               : strcmp(again[i].slug, ref->slug) == 0);
    }
}
