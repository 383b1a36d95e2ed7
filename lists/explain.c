/*     begin --> the status of the article, its text --> builder_make --> the terms that each card shares --> their spelling
 *         --> the cards, the names of the tags --> JSON --> roll back                                          */
#include "lists/explain.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/row.h"
#include "lists/builder.h"
#include "lists/reader.h"

enum { MOST_TERMS = 20 }; /* of a kind, for a card */

struct explanation {
    struct lists_maker *maker;
    struct builder builder;
    PGresult *source, *cards, *tags;
    struct article_source text; /* lent by `source` */
    struct spelling *spelling;  /* ascending by term */
    size_t nspellings;
};

static bool begin(struct lists_maker *maker);
static enum lists_explained read_article(struct explanation *self, int64_t article);
static enum lists_explained make_list(struct explanation *self, int64_t article);
static void spell(struct explanation *self);
static bool read_names(struct explanation *self);
static char *write_json(const struct explanation *self);

enum lists_explained lists_explain(struct lists_maker *maker, int64_t article, char **ret_json)
{
    struct explanation self = {.maker = maker};

    *ret_json = NULL;
    builder_init(&self.builder, maker);
    enum lists_explained explained =
        begin(maker) ? read_article(&self, article) : LISTS_EXPLAIN_FAILED;
    if (explained == LISTS_EXPLAINED)
        explained = make_list(&self, article);
    if (explained == LISTS_EXPLAINED) {
        spell(&self);
        explained = read_names(&self) ? LISTS_EXPLAINED : LISTS_EXPLAIN_FAILED;
    }
    if (explained == LISTS_EXPLAINED)
        *ret_json = write_json(&self);
    lists_session_roll_back(maker->session);
    builder_finish(&self.builder);
    free(self.spelling);
    free((void *)self.text.tags);
    PQclear(self.source);
    PQclear(self.cards);
    PQclear(self.tags);
    return explained;
}

static bool begin(struct lists_maker *maker)
{
    return maker_do(maker, LISTS_BEGIN_EXPLAIN, NULL) && maker_do(maker, LISTS_LIMIT_EXPLAIN, NULL);
}

/* ---- the article and its list */

static enum lists_explained explained_of(const PGresult *status)
{
    if (status == NULL)
        return LISTS_EXPLAIN_FAILED;
    const char *text = PQntuples(status) > 0 ? PQgetvalue(status, 0, 0) : "";
    return strcmp(text, "published") == 0   ? LISTS_EXPLAINED
           : strcmp(text, "withdrawn") == 0 ? LISTS_EXPLAIN_WITHDRAWN
                                            : LISTS_EXPLAIN_ABSENT;
}

static enum lists_explained read_article(struct explanation *self, int64_t article)
{
    PGresult *status = maker_ask(self->maker, LISTS_STATUS_OF, &article, 1);
    enum lists_explained explained = explained_of(status);

    PQclear(status);
    if (explained != LISTS_EXPLAINED)
        return explained;
    self->source = maker_ask(self->maker, LISTS_TEXTS, &article, 1);
    if (self->source == NULL)
        return LISTS_EXPLAIN_FAILED;
    assert(PQntuples(self->source) == 1); /* of the same snapshot */
    self->text = reader_source(self->maker, self->source, 0);
    return LISTS_EXPLAINED;
}

static enum lists_explained make_list(struct explanation *self, int64_t article)
{
    if (!builder_make(&self->builder, &article, 1, false))
        return LISTS_EXPLAIN_FAILED;
    return self->builder.list[0].article->is_there ? LISTS_EXPLAINED : LISTS_EXPLAIN_UNREAD;
}

static const struct known *card_of(const struct explanation *self, unsigned i)
{
    const struct list *list = &self->builder.list[0];
    return builder_find(&self->builder, list->card[i]);
}

/* ---- words */

static int by_term(const void *a, const void *b)
{
    const struct spelling *one = a, *other = b;
    return (one->term > other->term) - (one->term < other->term);
}

/* Each term once, in order. */
static void sort_spellings(struct explanation *self)
{
    size_t kept = 0;

    qsort(self->spelling, self->nspellings, sizeof(*self->spelling), by_term);
    for (size_t i = 0; i < self->nspellings; i++) {
        if (kept == 0 || self->spelling[kept - 1].term != self->spelling[i].term)
            self->spelling[kept++] = self->spelling[i];
    }
    self->nspellings = kept;
}

static void spell(struct explanation *self)
{
    const struct list *list = &self->builder.list[0];
    struct shared_term shared[VECTOR_MAX_TERMS];

    self->spelling =
        need(calloc((size_t)list->ncards * VECTOR_MAX_TERMS + 1, sizeof(*self->spelling)));
    for (unsigned i = 0; i < list->ncards; i++) {
        unsigned n = query_shared(&list->query, &card_of(self, i)->vector, shared);
        for (unsigned k = 0; k < n; k++) {
            if (term_kind(shared[k].term) != TERM_TAG)
                self->spelling[self->nspellings++].term = shared[k].term;
        }
    }
    if (self->nspellings > 0)
        sort_spellings(self);
    language_copy(self->text.language, list->article->profile.language); /* as it was read */
    terms_spell(self->maker->_words, &self->text, self->spelling, self->nspellings);
}

/* NULL: the text no longer has the word, or the article no longer has the tag. */
static const char *name_of(const struct explanation *self, uint32_t term)
{
    const struct spelling key = {.term = term};

    for (int i = 0; i < PQntuples(self->tags) && term_kind(term) == TERM_TAG; i++) {
        if (term_of_tag(db_row_int64(self->tags, i, 0)) == term)
            return PQgetvalue(self->tags, i, 1);
    }
    const struct spelling *found =
        self->nspellings > 0 ? bsearch(&key, self->spelling, self->nspellings, sizeof(key), by_term)
                             : NULL;
    return found != NULL && found->text[0] != '\0' ? found->text : NULL;
}

/* ---- the same story */

/* The article itself stays. Of two cards, the later one stays. */
static bool is_first_shown(const struct explanation *self, const struct same_story *same)
{
    return same->one == self->builder.list[0].article ||
           same->other->profile.published_us <= same->one->profile.published_us;
}

static const struct known *left_out(const struct explanation *self, const struct same_story *same)
{
    return is_first_shown(self, same) ? same->other : same->one;
}

/* A version that was shown instead of an earlier one may have been left out for another one afterwards. */
static const struct known *shown_instead(const struct explanation *self, unsigned i)
{
    const struct list *list = &self->builder.list[0];
    const struct known *shown = NULL;

    for (; i < list->nsame; i++) {
        const struct same_story *same = &list->same[i];
        if (shown == NULL || left_out(self, same) == shown)
            shown = is_first_shown(self, same) ? same->one : same->other;
    }
    return shown;
}

/* ---- names */

static bool read_names(struct explanation *self)
{
    const struct list *list = &self->builder.list[0];
    int64_t ids[RANK_CARDS + RANK_FINALISTS];
    size_t n = 0;

    for (unsigned i = 0; i < list->ncards; i++)
        ids[n++] = list->card[i];
    for (unsigned i = 0; i < list->nsame; i++)
        ids[n++] = left_out(self, &list->same[i])->profile.id;
    self->cards = maker_ask(self->maker, LISTS_CARDS, ids, n);
    if (self->cards != NULL)
        self->tags = maker_ask(self->maker, LISTS_TAGS, self->text.tags, self->text.ntags);
    return self->tags != NULL;
}

/* ---- JSON */

static json_object *number(float value)
{
    char text[32];
    snprintf(text, sizeof(text), "%.4g", (double)value);
    return json_object_new_double_s((double)value, text);
}

/* A new object; NULL: the article was withdrawn meanwhile. */
static json_object *card_json(const struct explanation *self, int64_t id)
{
    for (int i = 0; i < PQntuples(self->cards); i++) {
        if (db_row_int64(self->cards, i, 0) == id)
            return json_tokener_parse(PQgetvalue(self->cards, i, 1));
    }
    return NULL;
}

static int by_adds(const void *a, const void *b)
{
    const struct shared_term *one = a, *other = b;

    if (one->adds != other->adds)
        return one->adds > other->adds ? -1 : 1;
    return (one->term > other->term) - (one->term < other->term);
}

/* shared: sorted, those that add most first. */
static json_object *terms_json(const struct explanation *self, const struct shared_term *shared,
                               unsigned n, enum term_kind kind, const char *name)
{
    json_object *array = json_object_new_array();

    for (unsigned i = 0; i < n && json_object_array_length(array) < MOST_TERMS; i++) {
        const char *text = term_kind(shared[i].term) == kind ? name_of(self, shared[i].term) : NULL;
        if (text == NULL)
            continue;
        json_object *term = json_object_new_object();
        json_object_object_add(term, name, json_object_new_string(text));
        json_object_object_add(term, "weight", number(shared[i].adds));
        json_object_array_add(array, term);
    }
    return array;
}

static json_object *parts_json(const struct score *score)
{
    json_object *parts = json_object_new_object();

    json_object_object_add(parts, "words", number(score->likeness.words));
    json_object_object_add(parts, "pairs", number(score->likeness.pairs));
    json_object_object_add(parts, "tags", number(score->likeness.tags));
    json_object_object_add(parts, "nearness", number(score->nearness));
    json_object_object_add(parts, "recent", number(score->recent));
    json_object_object_add(parts, "section", number(score->section));
    json_object_object_add(parts, "language", number(score->language));
    json_object_object_add(parts, "breadth", number(score->breadth));
    return parts;
}

static json_object *explanation_json(const struct explanation *self, unsigned i)
{
    const struct list *list = &self->builder.list[0];
    const struct known *card = card_of(self, i);
    const struct profile *own = &list->article->profile;
    struct score score = rank_score(&list->query, own, &card->vector, &card->profile);
    struct shared_term shared[VECTOR_MAX_TERMS];
    unsigned n = query_shared(&list->query, &card->vector, shared);
    float days = (float)(own->published_us - card->profile.published_us) / 86400e6F;
    json_object *json = json_object_new_object();

    if (n > 0)
        qsort(shared, n, sizeof(*shared), by_adds);
    json_object_object_add(json, "score", number(score.total));
    json_object_object_add(
        json, "reason",
        json_object_new_string(list->score[i] > 0 ? "related" : "newest-of-section"));
    json_object_object_add(json, "words", terms_json(self, shared, n, TERM_WORD, "word"));
    json_object_object_add(json, "pairs", terms_json(self, shared, n, TERM_PAIR, "pair"));
    json_object_object_add(json, "tags", terms_json(self, shared, n, TERM_TAG, "tag"));
    json_object_object_add(json, "age_days", number(days));
    json_object_object_add(json, "parts", parts_json(&score));
    return json;
}

static char *write_json(const struct explanation *self)
{
    const struct list *list = &self->builder.list[0];
    json_object *json = json_object_new_object(), *cards = json_object_new_array(),
                *others = json_object_new_array();

    for (unsigned i = 0; i < list->ncards; i++) {
        json_object *card = card_json(self, list->card[i]);
        if (card == NULL)
            continue;
        json_object_object_add(card, "explanation", explanation_json(self, i));
        json_object_array_add(cards, card);
    }
    for (unsigned i = 0; i < list->nsame; i++) {
        json_object *card = card_json(self, left_out(self, &list->same[i])->profile.id);
        if (card == NULL)
            continue;
        json_object_object_add(card, "same_as",
                               json_object_new_int64(shown_instead(self, i)->profile.id));
        json_object_array_add(others, card);
    }
    json_object_object_add(json, "related_articles", cards);
    json_object_object_add(json, "left_out", others);
    char *text = need(strdup(json_object_to_json_string_ext(
        json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
    json_object_put(json);
    return text;
}
