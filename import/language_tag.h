/* import/language_tag.h - a language tag as BCP 47 (RFC 5646) writes it. */
#ifndef IMPORT_LANGUAGE_TAG_H
#define IMPORT_LANGUAGE_TAG_H

#include <stdbool.h>
#include <stddef.h>

enum { LANGUAGE_TAG_MAX_BYTES = 35 }; /* RFC 5646, section 4.4.1 */

/* False where the text is longer or is not well-formed: the function knows the grammar, not the
 * registry. Otherwise *ret_tag is the tag in its canonical case (zh-Hant-TW). The irregular tags
 * that the RFC only keeps for old documents (such as i-klingon) are refused. */
bool language_tag_parse(const char *text, size_t bytes, char ret_tag[LANGUAGE_TAG_MAX_BYTES + 1]);

#endif
