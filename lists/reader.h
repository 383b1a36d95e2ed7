/* lists/reader.h - the articles of a step that reads. For read.c and store.c only. */
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

/* Writes the changed terms and the articles, and queues their lists. False: the statement failed. */
bool reader_store(struct lists_maker *maker, const struct reader *reader, int16_t turn);

#endif
