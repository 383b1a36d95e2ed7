/* import/relate_command.h - the command `broadsheet relate [--all]`: related lists without a server. */
#ifndef IMPORT_RELATE_COMMAND_H
#define IMPORT_RELATE_COMMAND_H

#include <stdbool.h>

/* Works until the queue of related lists is empty, with a thread for each core where there is much to do. all: makes
 * every list again, from texts that are read again. chunk: as for import_run(). Shows its progress on stderr if that is
 * a terminal, and writes a summary. Blocks until done. May be interrupted at any moment: what is left stays in the
 * queue.
 *
 * Returns the exit status: 0, or 1 if the database failed. */
int relate_command(const char *database_url, unsigned chunk, bool all);

#endif
