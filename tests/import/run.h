/* tests/import/run.h - the import command, run inside the test or in a child of it.
 *
 * Errors: what goes wrong around the command aborts the test and says why. Threads: one. */
#ifndef BROADSHEET_TESTS_IMPORT_RUN_H
#define BROADSHEET_TESTS_IMPORT_RUN_H

#include <stddef.h>
#include <sys/types.h>

/* A file of this process with this text, or more of it; the name is good until the process ends. */
const char *import_file_with(const char *text);
void import_file_append(const char *name, const char *text, size_t bytes);

/* import_run with one file; *ret_said is what it wrote to stderr, which the caller frees. NULL: then
 * it is printed where the exit status is not 0. Returns the exit status. */
int import_of_file(const char *url, const char *name, char **ret_said);
int import_of_text(const char *url, const char *text, char **ret_said);

/* In a process of its own, silently; the caller waits for it. */
pid_t import_start(const char *url, const char *name);

/* So many lines of articles with the slugs STEM-0, STEM-1 ..., each with three tags and an author. */
const char *import_file_of(const char *stem, int count, const char *title);

#endif
