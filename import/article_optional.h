/* import/article_optional.h - the parts of an article that a line may leave out: its image, its
 * language and its corrections.
 *
 * Each function reads article->_root, fills its part of the article, and returns false with
 * article->reason if the line has a fault there. */
#ifndef IMPORT_ARTICLE_OPTIONAL_H
#define IMPORT_ARTICLE_OPTIONAL_H

#include <stdbool.h>

struct article_line;

bool article_optional_image(struct article_line *article);
bool article_optional_language(struct article_line *article);
bool article_optional_corrections(struct article_line *article);

#endif
