/* The program: settings, then one command. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "handlers/routes.h"
#include "import/import.h"
#include "import/relate_command.h"
#include "server/options.h"
#include "server/serve.h"
#include "weather/command.h"

static void open_standard_descriptors(void);

int main(int argc, char **argv)
{
    struct options options;
    open_standard_descriptors();
    char *error;
    if (!options_read(&options, argc, argv, &error)) {
        fprintf(stderr, "broadsheet: %s\n", error);
        free(error);
        return 2;
    }
    switch (options.command) {
    case COMMAND_HELP:
        options_print_help(stdout);
        return 0;
    case COMMAND_VERSION:
        puts("broadsheet " BROADSHEET_VERSION);
        return 0;
    case COMMAND_SERVE:
        return serve(&options, routes_register);
    case COMMAND_WEATHER:
        return weather_command(&options.weather, options.arguments, options.narguments);
    case COMMAND_IMPORT:
        return import_run(options.database_url, options.import_chunk, options.arguments,
                          options.narguments);
    case COMMAND_RELATE:
        return relate_command(options.database_url, options.import_chunk, options.relate_all);
    }
    return 2;
}

/* Whoever starts the program may have closed some of them. A socket with the number of stderr would get the log. */
static void open_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}
