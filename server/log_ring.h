/* server/log_ring.h - a bounded buffer of whole lines between threads that log and one that writes.
 *
 * Any thread may add lines; one thread takes them out. Nobody waits for room. */
#ifndef SERVER_LOG_RING_H
#define SERVER_LOG_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes a line that says that so many lines were lost; returns its length, at most `room`. */
typedef size_t log_ring_report_fn(char *to, size_t room, uint64_t lost);

struct log_ring {
    pthread_mutex_t _mutex;
    pthread_cond_t _has_lines;
    log_ring_report_fn *_report;
    char *_bytes;
    size_t _room, _first, _length; /* _first: where the oldest byte is */
    uint64_t _lost;                /* not reported yet */
    uint64_t _lost_in_all;
    bool _is_closed;
};

void log_ring_init(struct log_ring *ring, size_t room, log_ring_report_fn *report);
void log_ring_finish(struct log_ring *ring);

/* Adds a line, which ends with a newline. False: there is no room, and the line is lost. */
bool log_ring_add(struct log_ring *ring, const char *line, size_t length);

/* Waits for lines and takes whole ones, the oldest first: as many as fit into `most` bytes, or one that
 * is longer. Returns their length; *bytes grows as needed (malloc'ed, the caller's). 0: the ring is
 * closed and empty. */
size_t log_ring_take(struct log_ring *ring, char **bytes, size_t most);

/* Lines that were taken and could not be written are lost too. They are not reported in the log. */
void log_ring_count_lost(struct log_ring *ring, const char *bytes, size_t length);

/* From now on log_ring_take() does not wait. */
void log_ring_close(struct log_ring *ring);

uint64_t log_ring_lost(struct log_ring *ring);
bool log_ring_is_empty(struct log_ring *ring);

#endif
