#include "bench/made_article.h"

#include "bench/words.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PEOPLE = 2000,                  /* 50 first names and 40 surnames */
    CORPUS_TAGS = RANDOM_MAX_RANKS, /* 100 topics and 50 aspects */
    DEMO_AUTHORS_A_SECTION = 8,
};

static void choose_subject(struct made_article *s);
static void choose_time(struct made_article *s);
static void choose_people(struct made_article *s);
static void choose_numbers(struct made_article *s);
static void choose_tags(struct made_article *s);
static void start_lists(struct made_article *s);
static void write_body(struct made_article *s);
static void choose_image(struct made_article *s);
static void choose_language(struct made_article *s);
static void choose_corrections(struct made_article *s);

static const char *any(struct made_article *s, const struct list *list);
static const char *next_item(struct made_article *s, struct shuffled_list *shuffled);
static void expand(struct made_article *s, struct text *out, const char *template);

void made_article_write(struct made_article *s, bool is_demo, unsigned number)
{
    s->is_demo = is_demo;
    s->number = number;
    s->_random = random_of((uint64_t)number << 1 | is_demo);
    s->_slots.n = s->_slots._values_len = 0;
    s->ntags = s->_tags_told = 0;
    s->title.len = s->summary.len = s->body.len = 0;

    choose_subject(s);
    choose_time(s);
    choose_people(s);
    choose_numbers(s);
    choose_tags(s);
    start_lists(s);
    expand(s, &s->title, any(s, &s->_words->titles));
    expand(s, &s->summary, any(s, &s->_words->summaries));
    write_body(s);

    /* These have a second generator, so that they do not change the text. */
    s->_random = random_of(~((uint64_t)number << 1 | is_demo));
    choose_image(s);
    choose_language(s);
    choose_corrections(s);
}

static void choose_subject(struct made_article *s)
{
    unsigned section = random_below(&s->_random, s->is_demo ? NSECTION_WORDS : corpus_sections.n);
    s->_words = &section_words[section % NSECTION_WORDS];
    s->section = corpus_sections.items[section];
    s->_subject = &s->_words->subjects[random_zipf(&s->_random, s->_words->nsubjects)];
    slots_set(&s->_slots, "topic", s->_subject->topic);
    slots_set(&s->_slots, "thing", "the {topic}");
    slots_set(&s->_slots, "body", any(s, &s->_words->bodies));

    unsigned town = random_zipf(&s->_random, towns.n);
    unsigned other = (town + 1 + random_below(&s->_random, towns.n - 1)) % towns.n;
    s->_town = towns.items[town];
    slots_set(&s->_slots, "town", s->_town);
    slots_set(&s->_slots, "town2", towns.items[other]);
    slots_set(&s->_slots, "street", any(s, &streets));
}

/* Somewhere between 2014 and the middle of 2025. */
static void choose_time(struct made_article *s)
{
    const unsigned first = 1388534400, last = 1751241600;
    s->published = (time_t)random_between(&s->_random, first, last);
    struct tm tm;
    gmtime_r(&s->published, &tm);
    slots_print(&s->_slots, "last", "%d", 1900 + tm.tm_year - 1);
    slots_print(&s->_slots, "year", "%d", 1900 + tm.tm_year);
    slots_print(&s->_slots, "next", "%d", 1900 + tm.tm_year + 1);
    slots_set(&s->_slots, "past",
              months.items[((unsigned)tm.tm_mon + 12 - random_between(&s->_random, 1, 4)) % 12]);
    slots_set(&s->_slots, "month",
              months.items[((unsigned)tm.tm_mon + random_between(&s->_random, 1, 4)) % 12]);
    slots_set(&s->_slots, "day", any(s, &weekdays));
}

/* Of person number a of PEOPLE. All combinations of names; neighbours differ in both. */
static const char *surname(unsigned a)
{
    return surnames.items[(a / first_names.n + a) % surnames.n];
}

static const char *first_name(unsigned a)
{
    return first_names.items[a % first_names.n];
}

static unsigned choose_author(struct made_article *s)
{
    if (!s->is_demo)
        return random_below(&s->_random, PEOPLE);
    unsigned words = (unsigned)(s->_words - section_words);
    return (words * DEMO_AUTHORS_A_SECTION + random_zipf(&s->_random, DEMO_AUTHORS_A_SECTION)) *
           31 % PEOPLE;
}

/* One or two authors and two speakers. All surnames differ. */
static void choose_people(struct made_article *s)
{
    unsigned who[MADE_ARTICLE_MAX_AUTHORS + 2] = {0}, n = 0;
    s->nauthors = random_below(&s->_random, 4) == 0 ? 2 : 1;
    while (n < s->nauthors + 2) {
        who[n] = n < s->nauthors ? choose_author(s) : random_below(&s->_random, PEOPLE);
        unsigned same = 0;
        for (unsigned i = 0; i < n; i++)
            same += surname(who[i]) == surname(who[n]);
        n += same == 0;
    }
    for (unsigned i = 0; i < s->nauthors; i++)
        snprintf(s->authors[i], sizeof(s->authors[i]), "%s %s", first_name(who[i]),
                 surname(who[i]));
    unsigned p1 = who[n - 2], p2 = who[n - 1];
    slots_print(&s->_slots, "p1", "%s %s", first_name(p1), surname(p1));
    slots_print(&s->_slots, "p2", "%s %s", first_name(p2), surname(p2));
    slots_set(&s->_slots, "p1s", surname(p1));
    slots_set(&s->_slots, "p2s", surname(p2));
    slots_set(&s->_slots, "role1", any(s, &s->_words->roles1));
    slots_set(&s->_slots, "role2", any(s, &s->_words->roles2));
}

/* The numbers that an article may mention twice. */
static void choose_numbers(struct made_article *s)
{
    unsigned crowd = random_between(&s->_random, 900, 3999);
    if (crowd < 1000)
        slots_print(&s->_slots, "crowd", "%u", crowd);
    else
        slots_print(&s->_slots, "crowd", "%u,%03u", crowd / 1000, crowd % 1000);
    unsigned tenths = random_between(&s->_random, 11, 99);
    slots_print(&s->_slots, "money", "%u.%u million crowns", tenths / 10, tenths % 10);
    slots_print(&s->_slots, "helpers", "%u", random_between(&s->_random, 60, 300));
    slots_print(&s->_slots, "pupils", "%u", random_between(&s->_random, 120, 700));
    slots_print(&s->_slots, "artists", "%u", random_between(&s->_random, 20, 70));
    slots_print(&s->_slots, "staff", "%u", random_between(&s->_random, 20, 90));
    slots_print(&s->_slots, "samples", "%u", random_between(&s->_random, 200, 900));
    slots_print(&s->_slots, "sites", "%u", random_between(&s->_random, 9, 40));
    slots_set(&s->_slots, "years", any(s, &year_counts));
}

static void add_tag(struct made_article *s, const char *name)
{
    for (unsigned i = 0; i < s->ntags; i++) {
        if (strcmp(s->tags[i], name) == 0)
            return;
    }
    assert(s->ntags < MADE_ARTICLE_MAX_TAGS);
    snprintf(s->tags[s->ntags++], sizeof(s->tags[0]), "%s", name);
}

static void choose_tags(struct made_article *s)
{
    if (s->is_demo) {
        const struct list *own = &s->_subject->tags;
        /* Some articles have all tags of their subject, the others all but one. */
        unsigned skipped = random_below(&s->_random, own->n + 2);
        for (unsigned i = 0; i < own->n; i++) {
            if (i != skipped)
                add_tag(s, own->items[i]);
        }
        if (random_below(&s->_random, 2) == 0)
            add_tag(s, s->_town);
        add_tag(s, general_tags.items[random_zipf(&s->_random, general_tags.n)]);
        return;
    }
    unsigned want = random_between(&s->_random, 3, MADE_ARTICLE_MAX_TAGS);
    while (s->ntags < want) {
        unsigned rank = random_zipf(&s->_random, CORPUS_TAGS), topic = rank % corpus_topics.n;
        unsigned aspect = (rank / corpus_topics.n + rank) % corpus_aspects.n;
        char name[MADE_ARTICLE_NAME_BYTES];
        snprintf(name, sizeof(name), "%s %s", corpus_topics.items[topic],
                 corpus_aspects.items[aspect]);
        add_tag(s, name);
    }
}

static void start_lists(struct made_article *s)
{
    s->_facts = (struct shuffled_list){.list = &s->_words->facts};
    s->_contexts = (struct shuffled_list){.list = s->_words->contexts};
    s->_praise = (struct shuffled_list){.list = &s->_words->praise};
    s->_doubts = (struct shuffled_list){.list = &s->_words->doubts};
    s->_said1 = (struct shuffled_list){.list = &attributions1};
    s->_said2 = (struct shuffled_list){.list = &attributions2};
    s->_tag_lines = (struct shuffled_list){.list = &tag_lines};
}

/* ---- the body: a first paragraph, facts and quotes in turn, a last paragraph ---- */

enum step { FACTS, PRAISE, MORE_FACTS, DOUBT, BACKGROUND, NSTEPS };

static void add_sentence(struct made_article *s, const char *template)
{
    size_t len = s->body.len;
    if (len > 0 && s->body.bytes[len - 1] != '\n')
        text_add(&s->body, " ", 1);
    expand(s, &s->body, template);
}

static void add_quote(struct made_article *s, struct shuffled_list *quotes,
                      const struct list *first, struct shuffled_list *later)
{
    bool is_first = quotes->ngiven == 0;
    slots_set(&s->_slots, "quote", next_item(s, quotes));
    add_sentence(s, is_first ? any(s, first) : next_item(s, later));
}

static void add_tag_line(struct made_article *s)
{
    slots_set(&s->_slots, "tag", s->tags[s->_tags_told++ % s->ntags]);
    add_sentence(s, next_item(s, &s->_tag_lines));
}

static void add_step(struct made_article *s, enum step step)
{
    switch (step) {
    case FACTS:
        add_sentence(s, next_item(s, &s->_facts));
        add_sentence(s, next_item(s, &s->_facts));
        break;
    case PRAISE:
        add_quote(s, &s->_praise, &attributions1_first, &s->_said1);
        break;
    case MORE_FACTS:
        add_sentence(s, next_item(s, &s->_facts));
        if (!s->is_demo)
            add_tag_line(s);
        break;
    case DOUBT:
        add_quote(s, &s->_doubts, &attributions2_first, &s->_said2);
        break;
    case BACKGROUND:
        add_sentence(s, next_item(s, &s->_contexts));
        if (s->is_demo)
            add_sentence(s, next_item(s, &s->_contexts));
        else
            add_tag_line(s);
        break;
    case NSTEPS:
        break;
    }
}

static bool is_long_enough(struct made_article *s, size_t target)
{
    if (s->is_demo && s->_facts.ngiven + 2 > s->_facts.list->n)
        return true; /* a reader would notice a repeated fact */
    return s->body.len >= target;
}

static void write_body(struct made_article *s)
{
    double u = random_unit(&s->_random);
    size_t target = s->is_demo ? random_between(&s->_random, 1200, 2600)
                               : (size_t)(910 + 7000 * u * u * sqrt(u));
    add_sentence(s, any(s, &s->_words->ledes));
    add_sentence(s, next_item(s, &s->_contexts));
    for (unsigned step = FACTS; !is_long_enough(s, target); step = (step + 1) % NSTEPS) {
        text_add(&s->body, "\n\n", 2);
        add_step(s, step);
    }
    text_add(&s->body, "\n\n", 2);
    add_sentence(s, any(s, &s->_words->outlook));
}

/* ---- optional fields ---- */

/* Half of the articles have an image. Most of these have its size; some have no text for it. */
static void choose_image(struct made_article *s)
{
    static const unsigned widths[] = {640, 1024, 1600, 2048};
    struct made_image *image = &s->image;

    *image = (struct made_image){0};
    if (random_below(&s->_random, 2) == 0)
        return;
    snprintf(image->url, sizeof(image->url), "https://images.example.org/%s/%u.jpg",
             s->is_demo ? "demo" : "corpus", s->number);
    if (random_below(&s->_random, 8) != 0)
        snprintf(image->alt, sizeof(image->alt), "\"%s\": a view of %s", s->_subject->topic,
                 s->_town);
    if (random_below(&s->_random, 4) != 0) {
        unsigned photographer = random_below(&s->_random, PEOPLE);
        snprintf(image->credit, sizeof(image->credit), "%s %s", first_name(photographer),
                 surname(photographer));
    }
    if (random_below(&s->_random, 8) != 0) {
        image->width = widths[random_below(&s->_random, sizeof(widths) / sizeof(widths[0]))];
        image->height =
            random_below(&s->_random, 4) == 0 ? image->width * 4 / 3 : image->width * 2 / 3;
    }
}

static void choose_language(struct made_article *s)
{
    s->language = random_below(&s->_random, 10) == 0 ? "en" : NULL;
}

/* One of 25 articles has corrections, made within a month of the publication, the oldest first. */
static void choose_corrections(struct made_article *s)
{
    static const char *const slips[] = {"the name of a speaker", "a figure", "the day of a meeting",
                                        "the name of a street"};
    const unsigned nslips = sizeof(slips) / sizeof(slips[0]);
    time_t at = s->published;

    s->ncorrections = 0;
    if (random_below(&s->_random, 25) != 0)
        return;
    unsigned n = random_between(&s->_random, 1, MADE_ARTICLE_MAX_CORRECTIONS);
    unsigned slip = random_below(&s->_random, nslips);
    for (; s->ncorrections < n; s->ncorrections++) {
        struct made_correction *c = &s->corrections[s->ncorrections];
        at += random_between(&s->_random, 600, 15 * 86400);
        c->at = at;
        snprintf(c->text, sizeof(c->text), "An earlier version of this article had %s wrong.",
                 slips[(slip + s->ncorrections) % nslips]);
    }
}

static const char *any(struct made_article *s, const struct list *list)
{
    return random_any(&s->_random, list);
}

static const char *next_item(struct made_article *s, struct shuffled_list *shuffled)
{
    return shuffled_list_next(shuffled, &s->_random);
}

static void expand(struct made_article *s, struct text *out, const char *template)
{
    template_expand(template, &s->_slots, &s->_random, out);
}
