/* tests/handler/scene.h - the steps of which the tests of lookups and of kept answers are made.
 *
 * Articles have two cards, SCENE_CARD and SCENE_CARD + 1, and are told apart by their version. */
#ifndef TESTS_HANDLER_SCENE_H
#define TESTS_HANDLER_SCENE_H

#include "tests/handler/client.h"
#include "tests/handler/fake_db.h"

enum { SCENE_CARD = 20, SCENE_ARTICLE_BYTES = 2000 };

/* Before the first request: a answers that somebody has vouched for just now, which is good for a
 * minute. max_bytes 0: it keeps nothing. */
struct answer_cache *scene_store(size_t max_bytes);

/* The feed tells of a change: of one article, of everything. */
void scene_told(int64_t id);
void scene_told_everything(void);

/* Both look-ups that have waited longest (or shortest) come back. */
void scene_land(int64_t id, int version);
void scene_land_newest(int64_t id, int version);

/* The version in the next answer, which is a 200. */
int scene_version(struct client *client);

/* GET of this path and its answer, which must come without a query. */
struct reply scene_kept(struct client *client, const char *path, const char *headers);

/* The same request takes off instead: two queries wait afterwards. */
void scene_takes_off(struct client *client, const char *path);

#endif
