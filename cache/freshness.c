#include "cache/freshness.h"

#include <assert.h>

void freshness_init(struct freshness *f, uint64_t max_stale_us)
{
    *f = (struct freshness){._max_stale_us = max_stale_us};
}

void freshness_changed(struct freshness *f, const uint64_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        f->_recent[f->seq++ % FRESHNESS_MEMORY] = keys[i];
}

/* It counts as one change, so that a look-up that begins now differs from one that began before. Its place
 * in the memory is never read: for a look-up that began before it, the answer is known already. */
void freshness_changed_all(struct freshness *f)
{
    f->_all_changed_at = ++f->seq;
}

void freshness_confirm(struct freshness *f, uint64_t at_us)
{
    if (at_us > f->_confirmed_at_us)
        f->_confirmed_at_us = at_us;
}

void freshness_doubt(struct freshness *f)
{
    f->_confirmed_at_us = 0;
}

bool freshness_is_confirmed(const struct freshness *f, uint64_t now_us)
{
    if (f->_confirmed_at_us == 0)
        return false;
    return now_us < f->_confirmed_at_us || now_us - f->_confirmed_at_us < f->_max_stale_us;
}

bool freshness_has_changed(const struct freshness *f, uint64_t since, const uint64_t *keys,
                           size_t n)
{
    assert(since <= f->seq);
    if (since < f->_all_changed_at || f->seq - since > FRESHNESS_MEMORY)
        return true;
    for (uint64_t s = since; s < f->seq; s++)
        for (size_t i = 0; i < n; i++)
            if (f->_recent[s % FRESHNESS_MEMORY] == keys[i])
                return true;
    return false;
}
