#include "bench/made_article.h"

#include "bench/words.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    PEOPLE = 2000,                  /* 50 first names and 40 surnames */
    CORPUS_TAGS = RANDOM_MAX_RANKS, /* 100 topics and 50 aspects */
    DEMO_AUTHORS_A_DESK = 8,
};

static void choose_subject(struct made_article *s);
static void choose_time(struct made_article *s);
static void choose_people(struct made_article *s);
static void choose_numbers(struct made_article *s);
static void choose_tags(struct made_article *s);
static void shuffle_decks(struct made_article *s);
static void write_body(struct made_article *s);
static void choose_image(struct made_article *s);
static void choose_language(struct made_article *s);
static void choose_corrections(struct made_article *s);

static const char *any(struct made_article *s, const struct list *list);
static const char *deal(struct made_article *s, struct shuffled_list *deck);
static void expand(struct made_article *s, struct text *out, const char *template);

void made_article_write(struct made_article *s, bool is_demo, unsigned number)
{
    s->is_demo = is_demo;
    s->number = number;
    s->_chance = random_of((uint64_t)number << 1 | is_demo);
    s->_slots.n = s->_slots._values_len = 0;
    s->ntags = s->_tags_told = 0;
    s->title.len = s->summary.len = s->body.len = 0;

    choose_subject(s);
    choose_time(s);
    choose_people(s);
    choose_numbers(s);
    choose_tags(s);
    shuffle_decks(s);
    expand(s, &s->title, any(s, &s->_desk->titles));
    expand(s, &s->summary, any(s, &s->_desk->summaries));
    write_body(s);

    /* A generator apart, so that what follows changes no text before it. */
    s->_chance = random_of(~((uint64_t)number << 1 | is_demo));
    choose_image(s);
    choose_language(s);
    choose_corrections(s);
}

static void choose_subject(struct made_article *s)
{
    unsigned section = random_below(&s->_chance, s->is_demo ? NDESKS : corpus_sections.n);
    s->_desk = &desks[section % NDESKS];
    s->section = corpus_sections.items[section];
    s->_subject = &s->_desk->dependencies[random_zipf(&s->_chance, s->_desk->ndependencies)];
    slots_set(&s->_slots, "topic", s->_subject->topic);
    slots_set(&s->_slots, "thing", "the {topic}");
    slots_set(&s->_slots, "body", any(s, &s->_desk->bodies));

    unsigned town = random_zipf(&s->_chance, towns.n);
    unsigned other = (town + 1 + random_below(&s->_chance, towns.n - 1)) % towns.n;
    s->_town = towns.items[town];
    slots_set(&s->_slots, "town", s->_town);
    slots_set(&s->_slots, "town2", towns.items[other]);
    slots_set(&s->_slots, "street", any(s, &streets));
}

/* Somewhere between 2014 and the middle of 2025. */
static void choose_time(struct made_article *s)
{
    const unsigned first = 1388534400, last = 1751241600;
    s->published = (time_t)random_between(&s->_chance, first, last);
    struct tm tm;
    gmtime_r(&s->published, &tm);
    slots_print(&s->_slots, "last", "%d", 1900 + tm.tm_year - 1);
    slots_print(&s->_slots, "year", "%d", 1900 + tm.tm_year);
    slots_print(&s->_slots, "next", "%d", 1900 + tm.tm_year + 1);
    slots_set(&s->_slots, "past",
              months.items[((unsigned)tm.tm_mon + 12 - random_between(&s->_chance, 1, 4)) % 12]);
    slots_set(&s->_slots, "month",
              months.items[((unsigned)tm.tm_mon + random_between(&s->_chance, 1, 4)) % 12]);
    slots_set(&s->_slots, "day", any(s, &weekdays));
}

/* Number a of PEOPLE: all combinations, in an order where neighbours differ in both names. */
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
        return random_below(&s->_chance, PEOPLE);
    unsigned desk = (unsigned)(s->_desk - desks);
    return (desk * DEMO_AUTHORS_A_DESK + random_zipf(&s->_chance, DEMO_AUTHORS_A_DESK)) * 31 %
           PEOPLE;
}

/* One or two authors and two people who speak, no two of them with the same surname. */
static void choose_people(struct made_article *s)
{
    unsigned who[MADE_ARTICLE_MAX_AUTHORS + 2] = {0}, n = 0;
    s->nauthors = random_below(&s->_chance, 4) == 0 ? 2 : 1;
    while (n < s->nauthors + 2) {
        who[n] = n < s->nauthors ? choose_author(s) : random_below(&s->_chance, PEOPLE);
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
    slots_set(&s->_slots, "role1", any(s, &s->_desk->roles1));
    slots_set(&s->_slots, "role2", any(s, &s->_desk->roles2));
}

/* Those that a reader may meet twice in one article. */
static void choose_numbers(struct made_article *s)
{
    unsigned crowd = random_between(&s->_chance, 900, 3999);
    if (crowd < 1000)
        slots_print(&s->_slots, "crowd", "%u", crowd);
    else
        slots_print(&s->_slots, "crowd", "%u,%03u", crowd / 1000, crowd % 1000);
    unsigned tenths = random_between(&s->_chance, 11, 99);
    slots_print(&s->_slots, "money", "%u.%u million crowns", tenths / 10, tenths % 10);
    slots_print(&s->_slots, "helpers", "%u", random_between(&s->_chance, 60, 300));
    slots_print(&s->_slots, "pupils", "%u", random_between(&s->_chance, 120, 700));
    slots_print(&s->_slots, "artists", "%u", random_between(&s->_chance, 20, 70));
    slots_print(&s->_slots, "staff", "%u", random_between(&s->_chance, 20, 90));
    slots_print(&s->_slots, "samples", "%u", random_between(&s->_chance, 200, 900));
    slots_print(&s->_slots, "sites", "%u", random_between(&s->_chance, 9, 40));
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
        unsigned skipped =
            random_below(&s->_chance, own->n + 2); /* most carry all tags of their subject */
        for (unsigned i = 0; i < own->n; i++) {
            if (i != skipped)
                add_tag(s, own->items[i]);
        }
        if (random_below(&s->_chance, 2) == 0)
            add_tag(s, s->_town);
        add_tag(s, general_tags.items[random_zipf(&s->_chance, general_tags.n)]);
        return;
    }
    unsigned want = random_between(&s->_chance, 3, MADE_ARTICLE_MAX_TAGS);
    while (s->ntags < want) {
        unsigned rank = random_zipf(&s->_chance, CORPUS_TAGS), topic = rank % corpus_topics.n;
        unsigned aspect = (rank / corpus_topics.n + rank) % corpus_aspects.n;
        char name[MADE_ARTICLE_NAME_BYTES];
        snprintf(name, sizeof(name), "%s %s", corpus_topics.items[topic],
                 corpus_aspects.items[aspect]);
        add_tag(s, name);
    }
}

static void shuffle_decks(struct made_article *s)
{
    s->_facts = (struct shuffled_list){.list = &s->_desk->facts};
    s->_contexts = (struct shuffled_list){.list = s->_desk->contexts};
    s->_praise = (struct shuffled_list){.list = &s->_desk->praise};
    s->_doubts = (struct shuffled_list){.list = &s->_desk->doubts};
    s->_said1 = (struct shuffled_list){.list = &attributions1};
    s->_said2 = (struct shuffled_list){.list = &attributions2};
    s->_tag_lines = (struct shuffled_list){.list = &tag_lines};
}

/* ---- the body: a first paragraph, rounds of what is told and said, a last one ---- */

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
    bool is_first = quotes->dealt == 0;
    slots_set(&s->_slots, "quote", deal(s, quotes));
    add_sentence(s, is_first ? any(s, first) : deal(s, later));
}

static void add_tag_line(struct made_article *s)
{
    slots_set(&s->_slots, "tag", s->tags[s->_tags_told++ % s->ntags]);
    add_sentence(s, deal(s, &s->_tag_lines));
}

static void add_step(struct made_article *s, enum step step)
{
    switch (step) {
    case FACTS:
        add_sentence(s, deal(s, &s->_facts));
        add_sentence(s, deal(s, &s->_facts));
        break;
    case PRAISE:
        add_quote(s, &s->_praise, &attributions1_first, &s->_said1);
        break;
    case MORE_FACTS:
        add_sentence(s, deal(s, &s->_facts));
        if (!s->is_demo)
            add_tag_line(s);
        break;
    case DOUBT:
        add_quote(s, &s->_doubts, &attributions2_first, &s->_said2);
        break;
    case BACKGROUND:
        add_sentence(s, deal(s, &s->_contexts));
        if (s->is_demo)
            add_sentence(s, deal(s, &s->_contexts));
        else
            add_tag_line(s);
        break;
    case NSTEPS:
        break;
    }
}

static bool is_long_enough(struct made_article *s, size_t target)
{
    if (s->is_demo && s->_facts.dealt + 2 > s->_facts.list->n)
        return true; /* a reader would notice a fact that comes again */
    return s->body.len >= target;
}

static void write_body(struct made_article *s)
{
    double u = random_unit(&s->_chance);
    size_t target = s->is_demo ? random_between(&s->_chance, 1200, 2600)
                               : (size_t)(910 + 7000 * u * u * sqrt(u));
    add_sentence(s, any(s, &s->_desk->ledes));
    add_sentence(s, deal(s, &s->_contexts));
    for (unsigned step = FACTS; !is_long_enough(s, target); step = (step + 1) % NSTEPS) {
        text_add(&s->body, "\n\n", 2);
        add_step(s, step);
    }
    text_add(&s->body, "\n\n", 2);
    add_sentence(s, any(s, &s->_desk->outlook));
}

/* ---- what about half of the articles have, or few ---- */

/* Half have an image; of these most know its size, and some have no text for it. */
static void choose_image(struct made_article *s)
{
    static const unsigned widths[] = {640, 1024, 1600, 2048};
    struct made_image *image = &s->image;

    *image = (struct made_image){0};
    if (random_below(&s->_chance, 2) == 0)
        return;
    snprintf(image->url, sizeof(image->url), "https://images.example.org/%s/%u.jpg",
             s->is_demo ? "demo" : "corpus", s->number);
    if (random_below(&s->_chance, 8) != 0)
        snprintf(image->alt, sizeof(image->alt), "\"%s\": a view of %s", s->_subject->topic,
                 s->_town);
    if (random_below(&s->_chance, 4) != 0) {
        unsigned photographer = random_below(&s->_chance, PEOPLE);
        snprintf(image->credit, sizeof(image->credit), "%s %s", first_name(photographer),
                 surname(photographer));
    }
    if (random_below(&s->_chance, 8) != 0) {
        image->width = widths[random_below(&s->_chance, sizeof(widths) / sizeof(widths[0]))];
        image->height =
            random_below(&s->_chance, 4) == 0 ? image->width * 4 / 3 : image->width * 2 / 3;
    }
}

static void choose_language(struct made_article *s)
{
    s->language = random_below(&s->_chance, 10) == 0 ? "en" : NULL;
}

/* One of 25 has corrections, made within a month of the publication, the oldest first. */
static void choose_corrections(struct made_article *s)
{
    static const char *const slips[] = {"the name of a speaker", "a figure", "the day of a meeting",
                                        "the name of a street"};
    const unsigned nslips = sizeof(slips) / sizeof(slips[0]);
    time_t at = s->published;

    s->ncorrections = 0;
    if (random_below(&s->_chance, 25) != 0)
        return;
    unsigned n = random_between(&s->_chance, 1, MADE_ARTICLE_MAX_CORRECTIONS);
    unsigned slip = random_below(&s->_chance, nslips);
    for (; s->ncorrections < n; s->ncorrections++) {
        struct made_correction *c = &s->corrections[s->ncorrections];
        at += random_between(&s->_chance, 600, 15 * 86400);
        c->at = at;
        snprintf(c->text, sizeof(c->text), "An earlier version of this article had %s wrong.",
                 slips[(slip + s->ncorrections) % nslips]);
    }
}

static const char *any(struct made_article *s, const struct list *list)
{
    return random_any(&s->_chance, list);
}

static const char *deal(struct made_article *s, struct shuffled_list *deck)
{
    return shuffled_list_next(deck, &s->_chance);
}

static void expand(struct made_article *s, struct text *out, const char *template)
{
    template_expand(template, &s->_slots, &s->_chance, out);
}
