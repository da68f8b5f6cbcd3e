/* num.c -- numbers as text in the C locale, whatever the program's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/num.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t plain; /* never freed: as long as the process */

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t c_locale(void)
{
    (void)pthread_once(&once, make_plain);
    return plain;
}

double as_num_read(const char *text, char **end)
{
    return strtod_l(text, end, c_locale());
}

float as_num_read_float(const char *text, char **end)
{
    return strtof_l(text, end, c_locale());
}

void as_num_write(char *out, size_t size, int digits, double v)
{
    locale_t before = uselocale(c_locale()); /* of this thread alone */
    (void)snprintf(out, size, "%.*g", digits, v);
    (void)uselocale(before);
}
