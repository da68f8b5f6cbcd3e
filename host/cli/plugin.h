/* plugin.h -- what the `assay plugin` commands share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_PLUGIN_H
#define AS_CLI_PLUGIN_H
#include "base/buf.h"
#include "plug/registry.h"

/* Where it runs when nobody says otherwise, and why. */
const char *as_plugin_isolation(bool ours, uint32_t flags);
const char *as_plugin_isolation_why(bool ours, uint32_t flags);
static inline void as_cleanup_registry(as_registry **r)
{
    as_registry_close(*r);
}
/* A config schema as indented lines: one per key with type, default, limits and description. */
void as_schema_render(as_buf *out, const char *schema, const char *indent);
#endif
