/* A row of binary COPY: the number of fields, then the length and the bytes of each, big-endian. */
#include "import/copy_rows.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "import/article_line.h"

static void put_text(struct copy_rows *rows, const struct article_text *text);
static void put_names(struct copy_rows *rows, const struct article_names *names);
static void put_image(struct copy_rows *rows, const struct article_image *image);
static void put_jsonb(struct copy_rows *rows, const struct article_text *json);
static void put_int(struct copy_rows *rows, uint64_t value, size_t bytes);
static void put_bytes(struct copy_rows *rows, const void *data, size_t bytes);

enum { NFIELDS = 16, TEXT_OID = 25, JSONB_VERSION = 1 };
static const int64_t US_FROM_1970_TO_2000 = INT64_C(946684800000000); /* PostgreSQL's epoch */

const char copy_rows_header[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* no flags, no extension */
const char copy_rows_trailer[2] = "\377\377";

void copy_rows_init(struct copy_rows *rows, size_t max_count)
{
    assert(max_count >= 1 && max_count <= COPY_ROWS_MAX);
    *rows = (struct copy_rows){.max_count = max_count};
}

void copy_rows_finish(struct copy_rows *rows)
{
    free(rows->data);
    *rows = (struct copy_rows){0};
}

void copy_rows_clear(struct copy_rows *rows)
{
    rows->bytes = rows->count = 0;
}

bool copy_rows_is_full(const struct copy_rows *rows)
{
    return rows->count == rows->max_count || rows->bytes >= COPY_ROWS_FULL_BYTES;
}

void copy_rows_add(struct copy_rows *rows, unsigned long line, const struct article_line *article)
{
    assert(!copy_rows_is_full(rows));
    put_int(rows, NFIELDS, 2);
    put_int(rows, 8, 4);
    put_int(rows, line, 8);
    put_text(rows, &article->slug);
    put_text(rows, &article->title);
    put_text(rows, &article->summary);
    put_text(rows, &article->body);
    put_text(rows, &article->section);
    put_names(rows, &article->authors);
    put_names(rows, &article->tags);
    put_int(rows, 8, 4);
    put_int(rows, (uint64_t)(article->published_us - US_FROM_1970_TO_2000), 8);
    put_image(rows, &article->image);
    put_text(rows, &article->language);
    put_jsonb(rows, &article->corrections);
    rows->line[rows->count++] = line;
    rows->start[rows->count] = rows->bytes;
}

static void put_text(struct copy_rows *rows, const struct article_text *text)
{
    if (text->data == NULL) {
        put_int(rows, UINT32_MAX, 4); /* null */
        return;
    }
    put_int(rows, text->bytes, 4);
    put_bytes(rows, text->data, text->bytes);
}

/* A text[]: number of dimensions, has nulls, element type; then size and first index of the dimension */
static void put_names(struct copy_rows *rows, const struct article_names *names)
{
    size_t bytes = names->count == 0 ? 12 : 20;

    for (size_t i = 0; i < names->count; i++)
        bytes += 4 + names->name[i].bytes;
    put_int(rows, bytes, 4);
    put_int(rows, names->count > 0, 4);
    put_int(rows, 0, 4);
    put_int(rows, TEXT_OID, 4);
    if (names->count == 0)
        return;
    put_int(rows, names->count, 4);
    put_int(rows, 1, 4);
    for (size_t i = 0; i < names->count; i++)
        put_text(rows, &names->name[i]);
}

static void put_image(struct copy_rows *rows, const struct article_image *image)
{
    const int pixels[] = {image->width, image->height};

    put_text(rows, &image->url);
    put_text(rows, &image->alt);
    put_text(rows, &image->credit);
    for (size_t i = 0; i < 2; i++) {
        put_int(rows, pixels[i] > 0 ? 4 : UINT32_MAX, 4); /* 0 is not known: null */
        if (pixels[i] > 0)
            put_int(rows, (uint64_t)pixels[i], 4);
    }
}

static void put_jsonb(struct copy_rows *rows, const struct article_text *json)
{
    put_int(rows, 1 + json->bytes, 4);
    put_int(rows, JSONB_VERSION, 1);
    put_bytes(rows, json->data, json->bytes);
}

static void put_int(struct copy_rows *rows, uint64_t value, size_t bytes)
{
    unsigned char big_endian[8];

    for (size_t i = bytes; i > 0; i--, value >>= 8)
        big_endian[i - 1] = (unsigned char)value;
    put_bytes(rows, big_endian, bytes);
}

static void put_bytes(struct copy_rows *rows, const void *data, size_t bytes)
{
    if (bytes > rows->_capacity - rows->bytes) {
        size_t capacity = rows->_capacity == 0 ? 64 * 1024 : rows->_capacity;
        while (capacity - rows->bytes < bytes)
            capacity *= 2;
        rows->data = realloc(rows->data, capacity);
        if (rows->data == NULL)
            abort();
        rows->_capacity = capacity;
    }
    if (bytes > 0)
        memcpy(rows->data + rows->bytes, data, bytes);
    rows->bytes += bytes;
}
