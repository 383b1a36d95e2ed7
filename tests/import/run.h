/* tests/import/run.h - the import command, run inside the test or in a child of it.
 *
 * Errors: a failure around the command aborts the test and reports the reason. Threads: one. */
#ifndef BROADSHEET_TESTS_IMPORT_RUN_H
#define BROADSHEET_TESTS_IMPORT_RUN_H

#include <stddef.h>
#include <sys/types.h>

/* The articles of a transaction in the imports of this file. It is small, so that a short file has several
 * transactions, and large enough for a bulk (related_queue_written). A test may set it. */
extern unsigned import_chunk;

/* A new file with this text, and more text for the file. File and name exist until the process
 * ends. */
const char *import_file_with(const char *text);
void import_file_append(const char *name, const char *text, size_t bytes);

/* import_run with one file. *ret_said becomes the text that it wrote to stderr; the caller frees
 * it. If ret_said is NULL, this text is printed when the exit status is not 0. Returns the exit
 * status. */
int import_of_file(const char *url, const char *name, char **ret_said);
int import_of_text(const char *url, const char *text, char **ret_said);

/* Runs it in a process of its own, without output. The caller waits for the process. */
pid_t import_start(const char *url, const char *name);

/* A file with `count` articles. Their slugs are STEM-0, STEM-1 ...; each has three tags and an
 * author. */
const char *import_file_of(const char *stem, int count, const char *title);

#endif
