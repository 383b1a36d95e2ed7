#include "db/array.h"

#include <assert.h>
#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 20, FIRST_ROOM = 1024 };

static char *make_room(struct db_array *array, size_t n)
{
    if (array->_bytes == 0)
        array->_bytes = HEADER_BYTES;
    size_t needed = array->_bytes + n;
    assert(needed <= INT_MAX);
    if (needed > array->_room) {
        size_t room = array->_room == 0 ? FIRST_ROOM : array->_room;
        while (room < needed)
            room *= 2;
        array->_wire = realloc(array->_wire, room);
        if (array->_wire == NULL)
            abort();
        array->_room = room;
    }
    char *to = array->_wire + array->_bytes;
    array->_bytes = needed;
    return to;
}

static void put_32(char *to, uint32_t value)
{
    value = htobe32(value);
    memcpy(to, &value, sizeof(value));
}

void db_array_add(struct db_array *array, const void *bytes, size_t n)
{
    char *to = make_room(array, 4 + n);

    put_32(to, (uint32_t)n);
    if (n > 0)
        memcpy(to + 4, bytes, n);
    array->n++;
}

void db_array_add_int64(struct db_array *array, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    db_array_add(array, &wire, sizeof(wire));
}

void db_array_add_int32(struct db_array *array, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    db_array_add(array, &wire, sizeof(wire));
}

void db_array_add_int16(struct db_array *array, int16_t value)
{
    uint16_t wire = htobe16((uint16_t)value);
    db_array_add(array, &wire, sizeof(wire));
}

void db_array_add_float(struct db_array *array, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    db_array_add_int32(array, (int32_t)bits);
}

struct db_param db_array_param(struct db_array *array, unsigned type)
{
    make_room(array, 0);
    /* One dimension, no NULLs, the type, the number of elements, the first index. */
    const uint32_t header[] = {1, 0, type, (uint32_t)array->n, 1};
    for (size_t i = 0; i < sizeof(header) / sizeof(header[0]); i++)
        put_32(array->_wire + 4 * i, header[i]);
    return (struct db_param){
        .value = array->_wire, .length = (int)array->_bytes, .is_binary = true};
}

void db_array_clear(struct db_array *array)
{
    array->n = 0;
    array->_bytes = 0;
}

void db_array_finish(struct db_array *array)
{
    free(array->_wire);
    *array = (struct db_array){0};
}
