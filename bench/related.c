/* bench/related.c - how good the related lists of an archive are.
 *
 *     related [--show N] CORPUS [LINKS]
 *
 * CORPUS: NDJSON as for `broadsheet import`. LINKS: NDJSON of {"id": N, "links": [N, ...]}, the articles that the
 * author of an article has linked; an id is "id" of a line of CORPUS, or else its number. Makes all lists in memory,
 * with the functions of related/ that the server uses, and prints figures. --show prints N lists.
 *
 *     read: line --> language, terms --> counts of the terms     (READ_ARTICLES at a time)
 *                                    --> vector --> postings
 *     list: postings --> candidates --> finalists --> cards --> figures                       */
#include <errno.h>
#include <inttypes.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/container_of.h"
#include "import/article_line.h"
#include "related/index.h"
#include "related/story.h"
#include "related/words.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { READ_ARTICLES = 4000, MAX_LINKS = 64 };
static const int64_t day_us = INT64_C(86400000000);

struct article {
    int64_t id; /* of the corpus; profile.id is the place in articles + 1 */
    char *title;
    struct profile profile;
    struct vector vector;
    struct story story;
    unsigned cards[RANK_CARDS], ncards; /* places in articles */
    unsigned shown;                     /* in how many lists it is */
    float scores[RANK_CARDS];           /* shares of the article's own score */
    int64_t links[MAX_LINKS];
    size_t nlinks;
};

static struct article *articles;
static size_t narticles, capacity;
static struct index terms_of_all;
static struct words *words;
static double cpu_read_s, cpu_list_s;

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- reading */

static int64_t hash_of(struct article_text text)
{
    return (int64_t)(XXH3_64bits(text.data, text.bytes) >> 1);
}

static char *copy_of(struct article_text text)
{
    return need(strndup(text.data != NULL ? text.data : "", text.bytes));
}

static void add_article(struct language *language, struct terms *terms,
                        const struct article_line *line, int64_t id)
{
    int64_t tags[ARTICLE_LINE_MAX_NAMES];

    if (narticles == capacity) {
        capacity = capacity == 0 ? 4096 : 2 * capacity;
        articles = need(realloc(articles, capacity * sizeof(*articles)));
    }
    struct article *article = &articles[narticles++];
    *article = (struct article){.id = id,
                                .title = copy_of(line->title),
                                .profile = {.id = (int64_t)narticles,
                                            .published_us = line->published_us,
                                            .section_id = hash_of(line->section)}};
    for (size_t i = 0; i < line->tags.count; i++)
        tags[i] = hash_of(line->tags.name[i]);
    struct article_source source = {.title = {line->title.data, line->title.bytes},
                                    .summary = {line->summary.data, line->summary.bytes},
                                    .body = {line->body.data, line->body.bytes},
                                    .tags = tags,
                                    .ntags = line->tags.count};
    if (line->language.data != NULL)
        language_of_tag(line->language.data, line->language.bytes, source.language);
    else
        language_of_text(language, line->body.data, line->body.bytes, source.language);
    language_copy(article->profile.language, source.language);
    terms_read(terms, words, &source);
    story_make(&article->story, terms, line->published_us);
    article->profile.title_hash = article->story.title_hash;
    index_count(&terms_of_all, terms, source.language);
}

static void keep_article(struct article *article, const struct terms *terms)
{
    struct query query;

    index_vector(&terms_of_all, terms, article->profile.language, &article->vector);
    index_query(&terms_of_all, &article->vector, article->profile.language, &query);
    article->profile.self = query.self;
    index_post(&terms_of_all, &article->vector, &article->profile);
}

static void read_corpus(const char *name)
{
    FILE *file = fopen(name, "re");
    struct language *language = language_create();
    static struct terms terms[READ_ARTICLES];
    struct article_line line;
    char *text = NULL;
    size_t size = 0, first = 0;

    if (file == NULL || language == NULL) {
        fprintf(stderr, "related: %s: %s\n", file == NULL ? name : "libexttextcat",
                strerror(errno));
        exit(1);
    }
    article_line_init(&line);
    for (bool is_over = false; !is_over;) {
        ssize_t bytes = getline(&text, &size, file);
        is_over = bytes < 0;
        if (!is_over && !article_line_parse(&line, text, (size_t)bytes)) {
            fprintf(stderr, "related: a bad line: %s\n", line.reason);
            continue;
        }
        double begun = cpu_s();
        if (!is_over) {
            struct json_object *object = json_tokener_parse(text), *id;
            bool has_id = json_object_object_get_ex(object, "id", &id);
            begun = cpu_s();
            terms_init(&terms[narticles - first]);
            add_article(language, &terms[narticles - first], &line,
                        has_id ? json_object_get_int64(id) : (int64_t)narticles + 1);
            json_object_put(object);
        }
        if (is_over || narticles - first == READ_ARTICLES) {
            for (size_t i = first; i < narticles; i++) {
                keep_article(&articles[i], &terms[i - first]);
                terms_finish(&terms[i - first]);
            }
            first = narticles;
        }
        cpu_read_s += cpu_s() - begun;
    }
    article_line_finish(&line);
    language_destroy(language);
    free(text);
    fclose(file);
}

static void read_links(const char *name)
{
    FILE *file = fopen(name, "re");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL) {
        fprintf(stderr, "related: %s: %s\n", name, strerror(errno));
        exit(1);
    }
    while (getline(&text, &size, file) > 0) {
        struct json_object *object = json_tokener_parse(text), *id, *links;
        if (json_object_object_get_ex(object, "id", &id) &&
            json_object_object_get_ex(object, "links", &links)) {
            for (size_t i = 0; i < narticles; i++) {
                if (articles[i].id != json_object_get_int64(id))
                    continue;
                for (size_t k = 0;
                     k < json_object_array_length(links) && articles[i].nlinks < MAX_LINKS; k++)
                    articles[i].links[articles[i].nlinks++] =
                        json_object_get_int64(json_object_array_get_idx(links, k));
            }
        }
        json_object_put(object);
    }
    free(text);
    fclose(file);
}

/* ---- lists */

struct comparison {
    struct rank_stories stories;
    const struct article *article;
    const struct finalist *finalists;
};

static const struct story *story_of(const struct comparison *comparison, int index)
{
    return index < 0 ? &comparison->article->story
                     : &articles[comparison->finalists[index].profile->id - 1].story;
}

static bool are_same(struct rank_stories *stories, int one, int other)
{
    const struct comparison *comparison = container_of(stories, struct comparison, stories);
    return story_is_same(story_of(comparison, one), story_of(comparison, other));
}

static void make_list(struct article *article, struct candidates *candidates)
{
    struct query query;
    int64_t best[RANK_FINALISTS];
    struct finalist finalists[RANK_FINALISTS];

    index_query(&terms_of_all, &article->vector, article->profile.language, &query);
    unsigned n = index_candidates(&terms_of_all, &query, article->profile.id, candidates,
                                  RANK_FINALISTS, best);
    for (unsigned i = 0; i < n; i++) {
        const struct article *other = &articles[best[i] - 1];
        finalists[i] = (struct finalist){
            &other->vector, &other->profile,
            rank_score(&query, &article->profile, &other->vector, &other->profile)};
    }
    struct comparison comparison = {{are_same}, article, finalists};
    article->ncards =
        rank_choose(&query, &article->profile, finalists, n, &comparison.stories, article->cards);
    for (unsigned i = 0; i < article->ncards; i++) {
        article->scores[i] = finalists[article->cards[i]].score.total / rank_own_score(query.self);
        article->cards[i] = (unsigned)finalists[article->cards[i]].profile->id - 1;
        articles[article->cards[i]].shown++;
    }
}

static void show(const struct article *article)
{
    printf("\n%s [%s]\n", article->title, article->profile.language);
    for (unsigned i = 0; i < article->ncards; i++) {
        const struct article *card = &articles[article->cards[i]];
        printf("   %.3f %+5.0f days  %s [%s]\n", (double)article->scores[i],
               (double)(card->profile.published_us - article->profile.published_us) /
                   (double)day_us,
               card->title, card->profile.language);
    }
}

/* ---- figures */

static int by_number(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

static bool is_in_corpus(int64_t id)
{
    for (size_t i = 0; i < narticles; i++) {
        if (articles[i].id == id)
            return true;
    }
    return false;
}

static void print_recall(void)
{
    double recall = 0, reciprocal = 0;
    unsigned n = 0;

    for (const struct article *a = articles; a < articles + narticles; a++) {
        unsigned there = 0, found = 0, first = 0;
        for (size_t i = 0; i < a->nlinks; i++)
            there += is_in_corpus(a->links[i]);
        for (unsigned c = 0; c < a->ncards; c++) {
            for (size_t i = 0; i < a->nlinks; i++) {
                if (articles[a->cards[c]].id == a->links[i]) {
                    found++;
                    first = first == 0 ? c + 1 : first;
                    break;
                }
            }
        }
        if (there == 0)
            continue;
        n++;
        recall += (double)found / (there < RANK_CARDS ? there : RANK_CARDS);
        reciprocal += first == 0 ? 0 : 1.0 / first;
    }
    if (n > 0)
        printf("recall@6 %.4f, MRR@6 %.4f over %u articles with links\n", recall / n,
               reciprocal / n, n);
}

static void print_cards(void)
{
    size_t ncards = 0, same_language = 0, full = 0, few = 0, never = 0, most = 0, week = 0;
    double *days = need(calloc(narticles * RANK_CARDS + 1, sizeof(*days)));

    for (const struct article *a = articles; a < articles + narticles; a++) {
        full += a->ncards == RANK_CARDS;
        few += a->ncards < RANK_FEWEST_CARDS;
        never += a->shown == 0;
        most = a->shown > most ? a->shown : most;
        for (unsigned i = 0; i < a->ncards; i++) {
            const struct profile *card = &articles[a->cards[i]].profile;
            double apart = (double)(card->published_us - a->profile.published_us) / (double)day_us;
            same_language += strcmp(card->language, a->profile.language) == 0;
            days[ncards++] = apart < 0 ? -apart : apart;
            week += apart > -7 && apart < 7;
        }
    }
    qsort(days, ncards, sizeof(*days), by_number);
    double n = (double)narticles, c = ncards > 0 ? (double)ncards : 1;
    printf("cards a list %.2f; lists with six %.1f %%, with fewer than three %.1f %%\n", c / n,
           100 * (double)full / n, 100 * (double)few / n);
    printf("cards in the article's language %.1f %%\n", 100 * (double)same_language / c);
    printf("the article that is shown most: in %.2f %% of the lists; articles that are never "
           "shown: %.1f %%\n",
           100 * (double)most / n, 100 * (double)never / n);
    printf("days between article and card: median %.0f; within a week %.1f %%\n",
           ncards > 0 ? days[ncards / 2] : 0, 100 * (double)week / c);
    free(days);
}

int main(int argc, char **argv)
{
    int shown = argc > 2 && strcmp(argv[1], "--show") == 0 ? atoi(argv[2]) : 0;
    char **names = argv + (shown > 0 ? 3 : 1);
    struct candidates candidates;

    if (names[0] == NULL || (names[1] != NULL && names[2] != NULL)) {
        fputs("usage: related [--show N] CORPUS [LINKS]     both NDJSON\n", stderr);
        return 2;
    }
    index_init(&terms_of_all);
    words = words_create();
    candidates_init(&candidates);
    read_corpus(names[0]);
    if (names[1] != NULL)
        read_links(names[1]);
    double begun = cpu_s();
    for (size_t i = 0; i < narticles; i++)
        make_list(&articles[i], &candidates);
    cpu_list_s = cpu_s() - begun;
    printf("%zu articles, %zu languages, %zu terms; CPU: read %.3f ms, list %.3f ms an article\n",
           narticles, terms_of_all.nlanguages, terms_of_all.count,
           cpu_read_s / (double)narticles * 1e3, cpu_list_s / (double)narticles * 1e3);
    print_recall();
    print_cards();
    for (int i = 0; i < shown; i++)
        show(&articles[(size_t)i * narticles / (size_t)shown]);
    candidates_finish(&candidates);
    index_finish(&terms_of_all);
    words_destroy(words);
    return 0;
}
