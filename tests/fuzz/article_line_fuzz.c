/* A line of NDJSON as an article (import/article_line.h). The database must accept every article
 * that the parser accepts. */
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"
#include "handlers/article_ref.h"
#include "import/article_line.h"
#include "tests/fuzz/fuzz.h"

static void check_article(const struct article_line *article);
static void check_names(const struct article_names *names);
static void check_text(struct article_text text);
static bool is_same(struct article_text a, struct article_text b);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct article_line article;
    size_t characters;
    article_line_init(&article);
    for (int times = 0; times < 2; times++) { /* the second parse has nothing left of the first */
        if (article_line_parse(&article, (const char *)data, size))
            check_article(&article);
        else
            fuzz_check(article.reason[0] != '\0' &&
                       utf8_count(article.reason, strlen(article.reason), &characters));
    }
    article_line_finish(&article);
    return 0;
}

static void check_article(const struct article_line *article)
{
    const int64_t first_us = INT64_C(-62135596800000000), end_us = INT64_C(253402300800000000);
    fuzz_check(article->slug.data != NULL && article->title.data != NULL);
    fuzz_check(article->body.data != NULL && article->section.data != NULL);
    check_text(article->slug);
    check_text(article->title);
    check_text(article->summary);
    check_text(article->body);
    check_text(article->section);
    fuzz_check(article->section.bytes > 0);
    struct article_ref ref = article_ref_parse(article->slug.data, article->slug.bytes);
    fuzz_check(ref.kind == ARTICLE_REF_SLUG);
    fuzz_check(is_same(article->slug, (struct article_text){ref.slug, strlen(ref.slug)}));
    check_names(&article->authors);
    check_names(&article->tags);
    fuzz_check(article->published_us >= first_us && article->published_us < end_us);
}

static void check_names(const struct article_names *names)
{
    fuzz_check(names->count <= ARTICLE_LINE_MAX_NAMES);
    for (size_t i = 0; i < names->count; i++) {
        check_text(names->name[i]);
        fuzz_check(names->name[i].bytes > 0);
        for (size_t other = 0; other < i; other++)
            fuzz_check(!is_same(names->name[i], names->name[other]));
    }
}

static void check_text(struct article_text text)
{
    size_t characters;
    fuzz_check(text.data == NULL || utf8_count(text.data, text.bytes, &characters));
}

static bool is_same(struct article_text a, struct article_text b)
{
    return a.bytes == b.bytes && memcmp(a.data, b.data, a.bytes) == 0;
}
