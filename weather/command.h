/* weather/command.h - broadsheet weather [CITY...]: fetches the weather now, and prints it. */
#ifndef WEATHER_COMMAND_H
#define WEATHER_COMMAND_H

#include <stddef.h>

#include "weather/settings.h"

/* names: of cities; none: all. Prints JSON to stdout, and a line to stderr for each city that failed. Returns the exit
 * status: 0 all cities succeeded, 1 one failed, 2 a setting is wrong. */
int weather_command(const struct weather_settings *settings, char *const *names, size_t n);

#endif
