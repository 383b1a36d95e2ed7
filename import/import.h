/* import/import.h - the command `broadsheet import FILE...`: articles from NDJSON. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stddef.h>

enum { IMPORT_MAX_CHUNK = 1000 };

/* Loads the files one after another ("-" is standard input) and brings the related lists up to date,
 * with `chunk` articles in each transaction (1 to IMPORT_MAX_CHUNK). On stderr, it names each bad line
 * with the reason ("FILE:LINE: reason"), shows its progress if stderr is a terminal, and writes a
 * summary. Blocks until done.
 *
 * Returns the exit status: 0, or 1 if a line was bad, a file could not be read or the database
 * failed. Unless the database failed, all good lines of all files are then in the database. When the
 * program is killed at any moment, it leaves only whole articles, and another run completes the
 * job. */
int import_run(const char *database_url, unsigned chunk, char *const *files, size_t nfiles);

#endif
