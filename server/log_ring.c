/*     log_ring_add --> [room] put
 *                  \-> [no room] _lost ... log_ring_take makes room --> report_lost --> put */
#include "server/log_ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { REPORT_MAX_BYTES = 512 };

static bool put(struct log_ring *ring, const char *line, size_t length);
static void report_lost(struct log_ring *ring);
static size_t whole_lines(const struct log_ring *ring, size_t most);
static size_t lines_in(const char *bytes, size_t length);

void log_ring_init(struct log_ring *ring, size_t room, log_ring_report_fn *report)
{
    *ring = (struct log_ring){._report = report, ._bytes = malloc(room), ._room = room};
    assert(ring->_bytes != NULL);
    pthread_mutex_init(&ring->_mutex, NULL);
    pthread_cond_init(&ring->_has_lines, NULL);
}

void log_ring_finish(struct log_ring *ring)
{
    free(ring->_bytes);
    pthread_cond_destroy(&ring->_has_lines);
    pthread_mutex_destroy(&ring->_mutex);
}

bool log_ring_add(struct log_ring *ring, const char *line, size_t length)
{
    assert(length > 0 && line[length - 1] == '\n');
    pthread_mutex_lock(&ring->_mutex);
    report_lost(ring);
    bool is_added = ring->_lost == 0 && put(ring, line, length);
    if (!is_added) {
        ring->_lost++;
        ring->_lost_in_all++;
    }
    pthread_cond_signal(&ring->_has_lines);
    pthread_mutex_unlock(&ring->_mutex);
    return is_added;
}

static bool put(struct log_ring *ring, const char *line, size_t length)
{
    if (length > ring->_room - ring->_length)
        return false;
    size_t at = (ring->_first + ring->_length) % ring->_room;
    size_t before_end = ring->_room - at < length ? ring->_room - at : length;
    memcpy(ring->_bytes + at, line, before_end);
    memcpy(ring->_bytes, line + before_end, length - before_end);
    ring->_length += length;
    return true;
}

/* The report stands where the lost lines would stand: before any later line. It waits until half of the
 * buffer is free, so that a slow reader does not get a report for each line. */
static void report_lost(struct log_ring *ring)
{
    char line[REPORT_MAX_BYTES];
    if (ring->_lost == 0 || ring->_length > ring->_room / 2)
        return;
    size_t length = ring->_report(line, sizeof(line), ring->_lost);
    if (put(ring, line, length))
        ring->_lost = 0;
}

size_t log_ring_take(struct log_ring *ring, char **bytes, size_t most)
{
    pthread_mutex_lock(&ring->_mutex);
    report_lost(ring);
    while (ring->_length == 0 && !ring->_is_closed)
        pthread_cond_wait(&ring->_has_lines, &ring->_mutex);
    size_t n = whole_lines(ring, most);
    char *to = realloc(*bytes, n > most ? n : most);
    assert(to != NULL);
    *bytes = to;
    size_t before_end = ring->_room - ring->_first < n ? ring->_room - ring->_first : n;
    memcpy(to, ring->_bytes + ring->_first, before_end);
    memcpy(to + before_end, ring->_bytes, n - before_end);
    ring->_first = (ring->_first + n) % ring->_room;
    ring->_length -= n;
    report_lost(ring);
    pthread_mutex_unlock(&ring->_mutex);
    return n;
}

/* The length of the oldest whole lines that fit into `most`; of one line where that one is longer. */
static size_t whole_lines(const struct log_ring *ring, size_t most)
{
    size_t n = 0;
    for (size_t i = 0; i < ring->_length && (i < most || n == 0); i++) {
        if (ring->_bytes[(ring->_first + i) % ring->_room] == '\n')
            n = i + 1;
    }
    return n;
}

void log_ring_count_lost(struct log_ring *ring, const char *bytes, size_t length)
{
    pthread_mutex_lock(&ring->_mutex);
    ring->_lost_in_all += lines_in(bytes, length);
    pthread_mutex_unlock(&ring->_mutex);
}

static size_t lines_in(const char *bytes, size_t length)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += bytes[i] == '\n';
    return n;
}

void log_ring_close(struct log_ring *ring)
{
    pthread_mutex_lock(&ring->_mutex);
    ring->_is_closed = true;
    pthread_cond_signal(&ring->_has_lines);
    pthread_mutex_unlock(&ring->_mutex);
}

uint64_t log_ring_lost(struct log_ring *ring)
{
    pthread_mutex_lock(&ring->_mutex);
    uint64_t lost = ring->_lost_in_all;
    pthread_mutex_unlock(&ring->_mutex);
    return lost;
}

bool log_ring_is_empty(struct log_ring *ring)
{
    pthread_mutex_lock(&ring->_mutex);
    bool is_empty = ring->_length == 0;
    pthread_mutex_unlock(&ring->_mutex);
    return is_empty;
}
