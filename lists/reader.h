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

/* The text of the article in the row, which it borrows, and its language. The caller frees `tags`. */
struct article_source reader_source(struct lists_maker *maker, const PGresult *rows, int row);

/* Writes the changed terms and the articles, and queues their lists. False: the statement failed. */
bool reader_store(struct lists_maker *maker, const struct reader *reader, int16_t turn);

/* Makes first lists of the articles that the reader has read. In make.c. The index moves out of the reader. */
bool make_first_lists(struct lists_maker *maker, struct reader *reader, struct batch *batch);

#endif
