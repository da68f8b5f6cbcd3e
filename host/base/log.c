/* log.c -- lines for people, to one sink. SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

/* Set before threads start, read only afterwards. */
static as_log_sink the_sink;
static void *the_data;
static as_log_level the_least = AS_LOG_INFO;

void as_log_set(as_log_sink sink, void *data, as_log_level least)
{
    the_sink = sink;
    the_data = data;
    the_least = least;
}

void as_log(as_log_level level, const char *format, ...)
{
    char line[1200];
    if (!the_sink || level < the_least)
        return;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    /* texts of plugins and data end up here: one message stays one line, and no terminal is told
     * what to do */
    for (char *p = line; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = ' ';
    the_sink(the_data, level, line);
}
