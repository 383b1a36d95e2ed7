/*     places_wait --> ready --> places_next --> taken --> places_leave
 *                \--> waits at its host --^  (when another entry of the host leaves)
 *
 * A host keeps places for at most max_per_host entries: those that are ready and those that are taken. So
 * places_next() never searches. */
#include "fetch/places.h"

#include <assert.h>
#include <h2o.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/container_of.h"

enum { HOSTS_PER_BUCKET = 1 };

struct places_host {
    struct table_node node;
    unsigned kept;           /* entries that are ready or taken */
    unsigned used;           /* entries that name this host */
    h2o_linklist_t _waiting; /* for one of its places */
};

static struct places_host *host_of(struct places *places, const char *name);
static void make_ready(struct places *places, struct place *place);

void places_init(struct places *places, unsigned max, unsigned max_per_host)
{
    assert(max >= 1 && max_per_host >= 1);
    *places = (struct places){.max = max, .max_per_host = max_per_host};
    table_init(&places->_hosts, HOSTS_PER_BUCKET);
    h2o_linklist_init_anchor(&places->_ready);
}

void places_finish(struct places *places)
{
    (void)places;
    assert(places->taken == 0 && places->waiting == 0);
}

void places_wait(struct places *places, struct place *place, const char *name)
{
    assert(place->_host == NULL);
    struct places_host *host = host_of(places, name);
    *place = (struct place){._host = host};
    host->used++;
    places->waiting++;
    if (host->kept < places->max_per_host)
        make_ready(places, place);
    else
        h2o_linklist_insert(&host->_waiting, &place->_link);
}

static void make_ready(struct places *places, struct place *place)
{
    place->_host->kept++;
    place->_is_ready = true;
    h2o_linklist_insert(&places->_ready, &place->_link);
}

/* Two names with the same hash count as one host: the only effect is that their fetches may wait longer. */
static struct places_host *host_of(struct places *places, const char *name)
{
    uint64_t key = XXH3_64bits(name, strlen(name));
    struct table_node *node = table_find(&places->_hosts, key);
    if (node != NULL)
        return container_of(node, struct places_host, node);
    struct places_host *host = h2o_mem_alloc(sizeof(*host));
    *host = (struct places_host){.kept = 0};
    h2o_linklist_init_anchor(&host->_waiting);
    table_insert(&places->_hosts, &host->node, key);
    return host;
}

struct place *places_next(struct places *places)
{
    if (places->taken == places->max || h2o_linklist_is_empty(&places->_ready))
        return NULL;
    struct place *place = container_of(places->_ready.next, struct place, _link);
    h2o_linklist_unlink(&place->_link);
    place->_is_ready = false;
    place->_is_taken = true;
    places->waiting--;
    places->taken++;
    return place;
}

void places_leave(struct places *places, struct place *place)
{
    struct places_host *host = place->_host;
    if (host == NULL)
        return;
    bool had_kept = place->_is_taken || place->_is_ready;
    assert(host->used > 0 && (!had_kept || host->kept > 0));
    if (place->_is_taken)
        places->taken--;
    else
        places->waiting--;
    if (h2o_linklist_is_linked(&place->_link))
        h2o_linklist_unlink(&place->_link);
    *place = (struct place){0};
    if (had_kept)
        host->kept--;
    if (had_kept && !h2o_linklist_is_empty(&host->_waiting)) {
        struct place *next = container_of(host->_waiting.next, struct place, _link);
        h2o_linklist_unlink(&next->_link);
        make_ready(places, next);
    }
    if (--host->used == 0) {
        table_remove(&places->_hosts, &host->node);
        free(host);
    }
}
