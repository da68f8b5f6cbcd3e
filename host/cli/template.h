/* template.h -- the files `assay plugin new` writes, as host/cli/template/NAME.in holds them;
 * @NAME@ is the verifier's. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TEMPLATE_H
#define AS_CLI_TEMPLATE_H
#include <stddef.h>

typedef struct as_template {
    const char *name; /* "verifier.c", "README.md", ... */
    const unsigned char *text;
    size_t len;
} as_template;
extern const as_template as_templates[]; /* ends with name NULL */
#endif
