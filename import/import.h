/* import/import.h - the command `broadsheet import FILE...`: articles from NDJSON. */
#ifndef IMPORT_IMPORT_H
#define IMPORT_IMPORT_H

#include <stddef.h>

/* Loads the files one after another ("-" is standard input) and brings the related lists up to date.
 * Says on stderr which lines are bad and why ("FILE:LINE: reason"), how far it is if that is a
 * terminal, and a summary. Blocks until done. Returns the exit status: 0, or 1 where a line was bad,
 * a file could not be read or the database failed; all good lines of all files are in then, but for
 * a failure of the database. Killed at any moment it leaves whole articles, and run again it
 * completes the job. */
int import_run(const char *database_url, char *const *files, size_t nfiles);

#endif
