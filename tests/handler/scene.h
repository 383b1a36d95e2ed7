/* tests/handler/scene.h - the steps of the tests of look-ups and of kept answers.
 *
 * Articles have two cards, SCENE_CARD and SCENE_CARD + 1, and differ by their version. */
#ifndef TESTS_HANDLER_SCENE_H
#define TESTS_HANDLER_SCENE_H

#include "tests/handler/client.h"
#include "tests/handler/fake_db.h"

enum { SCENE_CARD = 20, SCENE_ARTICLE_BYTES = 2000 };

/* An answer cache that was confirmed just now, for a minute. To be called before the first request.
 * max_bytes 0: it keeps nothing. */
struct answer_cache *scene_cache(size_t max_bytes);

/* News of a change: of one article, of an entity (base/entity.h), of everything. */
void scene_article_changed(int64_t id);
void scene_entity_changed(uint64_t key);
void scene_everything_changed(void);

/* News that reports why changes may go unreported; NULL: they are reported again. */
void scene_changes_unreliable(const char *why);

/* Answers both queries that have waited longest (or shortest). */
void scene_answer(int64_t id, int version);
void scene_answer_newest(int64_t id, int version);

/* The version in the next answer, which is a 200. */
int scene_version(struct client *client);

/* GET of this path, and its answer, which must come without a query. */
struct reply scene_kept(struct client *client, const char *path, const char *headers);

/* GET of this path, which must start a look-up: two more queries wait afterwards. */
void scene_looks_up(struct client *client, const char *path);

#endif
