/* num.h -- decimal text to double and back, always with a '.': an embedding program may have set a
 * locale that writes and expects a comma. Internal to base/. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_NUM_H
#define AS_BASE_NUM_H
#include <stddef.h>

double as_num_read(const char *text, char **end);                /* strtod */
float as_num_read_float(const char *text, char **end);           /* strtof */
void as_num_write(char *out, size_t size, int digits, double v); /* %.*g */
#endif
