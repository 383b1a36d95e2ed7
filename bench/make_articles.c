/* bench/make_articles.c - made-up articles, one JSON object a line, for `broadsheet import`.
 *
 *     make_articles N         a corpus for benchmarks: slugs end in -c1 to -cN (as a pattern:
 *                             -c[0-9]+$), 20 sections, 2,000 authors, 5,000 tags with frequencies
 *                             that follow Zipf's law, bodies of 1,000 to 8,000 characters, 3,000 on
 *                             average; half of the articles have an image, few have a language or
 *                             corrections
 *     make_articles --demo N  a newspaper to look at: slugs end in -d1 to -dN, 8 sections,
 *                             64 authors, about 200 tags
 *
 * Article i is the same in every run, and does not depend on N. made_article.c makes the text from the
 * words in words.h. */
#include "bench/made_article.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_line(const struct made_article *s);

int main(int argc, char **argv)
{
    bool demo = argc == 3 && strcmp(argv[1], "--demo") == 0;
    char *end = "?";
    unsigned long n = argc == 2 || demo ? strtoul(argv[argc - 1], &end, 10) : 0;
    if (*end != '\0' || n < 1 || n > 100000000) {
        fprintf(stderr,
                "usage: make_articles [--demo] N     N articles as NDJSON, 1 to 100,000,000\n");
        return 2;
    }
    static struct made_article article;
    for (unsigned i = 1; i <= n && !ferror(stdout); i++) {
        made_article_write(&article, demo, i);
        print_line(&article);
    }
    if (ferror(stdout) || fflush(stdout) != 0) {
        perror("make_articles: cannot write to standard output");
        return 1;
    }
    return 0;
}

/* The title's letters and digits, and the number that makes it unique. */
static void print_slug(const struct made_article *s)
{
    char slug[100] = "";
    size_t len = 0;
    for (size_t i = 0; i < s->title.len && len < sizeof(slug); i++) {
        unsigned char c = (unsigned char)s->title.bytes[i];
        if (isalnum(c))
            slug[len++] = (char)tolower(c);
        else if (c < 0x80 && len > 0 && slug[len - 1] != '-')
            slug[len++] = '-';
    }
    while (len > 0 && slug[len - 1] == '-')
        len--;
    printf("{\"slug\":\"%.*s-%c%u\"", (int)len, slug, s->is_demo ? 'd' : 'c', s->number);
}

static void print_string(const char *text)
{
    putchar('"');
    for (;;) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        fwrite(text, 1, plain, stdout);
        text += plain;
        if (*text == '\0')
            break;
        if (*text == '\n')
            fputs("\\n", stdout);
        else
            printf("\\u%04x", (unsigned)(unsigned char)*text);
        text++;
    }
    putchar('"');
}

static void print_field(const char *key, const char *text)
{
    printf(",\"%s\":", key);
    print_string(text);
}

static void print_names(const char *key, unsigned n, const char names[][MADE_ARTICLE_NAME_BYTES])
{
    printf(",\"%s\":[", key);
    for (unsigned i = 0; i < n; i++) {
        if (i > 0)
            putchar(',');
        print_string(names[i]);
    }
    putchar(']');
}

static void print_time(const char *key, time_t time)
{
    struct tm tm;
    char text[32];
    gmtime_r(&time, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    print_field(key, text);
}

static void print_text_or_null(const char *key, const char *text)
{
    if (text[0] == '\0')
        printf(",\"%s\":null", key);
    else
        print_field(key, text);
}

static void print_image(const struct made_image *image)
{
    if (image->url[0] == '\0')
        return;
    fputs(",\"image\":{\"url\":", stdout);
    print_string(image->url);
    print_text_or_null("alt", image->alt);
    print_text_or_null("credit", image->credit);
    if (image->width > 0)
        printf(",\"width\":%u,\"height\":%u", image->width, image->height);
    putchar('}');
}

static void print_corrections(const struct made_article *s)
{
    if (s->ncorrections == 0)
        return;
    fputs(",\"corrections\":[", stdout);
    for (unsigned i = 0; i < s->ncorrections; i++) {
        fputs(i > 0 ? ",{\"text\":" : "{\"text\":", stdout);
        print_string(s->corrections[i].text);
        print_time("at", s->corrections[i].at);
        putchar('}');
    }
    putchar(']');
}

static void print_line(const struct made_article *s)
{
    print_slug(s);
    print_field("title", s->title.bytes);
    print_field("summary", s->summary.bytes);
    print_field("body", s->body.bytes);
    print_field("section", s->section);
    print_names("tags", s->ntags, s->tags);
    print_names("authors", s->nauthors, s->authors);
    print_time("published_at", s->published);
    print_image(&s->image);
    if (s->language != NULL)
        print_field("language", s->language);
    print_corrections(s);
    puts("}");
}
