/* lists/reader.h - the articles of a step that reads. For read.c, store.c, make.c and explain.c only. */
#ifndef LISTS_READER_H
#define LISTS_READER_H

#include "lists/maker_private.h"

/* A published article of the batch. */
struct reading {
    int64_t id, revision;
    struct profile profile;
    struct terms terms; /* a copy: the words and pairs without their sequence */
    struct story story;
    struct vector vector;
};

struct reader {
    struct reading *reading;
    size_t n;
    struct batch good;  /* that were read, or are not published */
    struct batch gone;  /* that are not published */
    struct batch again; /* that have changed meanwhile */
    struct index index;
};

/* Of a row of related_sources(): could PostgreSQL read the article? */
bool reader_is_readable(const PGresult *rows, int row);

/* The text of the article in the row, which it borrows, and its language. The caller frees `tags`. */
struct article_source reader_source(struct lists_maker *maker, const PGresult *rows, int row);

/* Writes the changed terms and the articles, and queues their lists. takes_lists: takes those out of the queue again that
 * nobody makes now, and adds their articles to `lists`. False: the statement failed. */
bool reader_store(struct lists_maker *maker, const struct reader *reader, int16_t turn,
                  bool takes_lists, struct batch *lists);

/* Makes the lists of articles that this transaction has read, from what the reader knows. In make.c. */
bool make_lists_read(struct lists_maker *maker, struct reader *reader, struct batch *lists);

#endif
