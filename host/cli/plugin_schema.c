/* plugin_schema.c -- a verifier's configuration, from its JSON Schema, as lines for people.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "cli/plugin.h"

static void add_raw(as_buf *out, const char *before, as_jspan value)
{
    if (value.kind == AS_J_NONE)
        return;
    as_buf_text(out, before);
    as_buf_add(out, value.text);
}

/* Without the quotes, control characters blanked. */
static void add_string(as_buf *out, const char *before, as_jspan value)
{
    as_arena arena;
    if (value.kind != AS_J_STRING)
        return;
    as_arena_init(&arena, 0);
    as_str text = as_jstring(value, &arena, NULL);
    as_buf_text(out, before);
    for (size_t i = 0; i < text.len; i++)
        as_buf_byte(out, (char)((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f
                                    ? ' '
                                    : text.data[i]));
    as_arena_fini(&arena);
}

static void add_type(as_buf *out, as_jspan schema)
{
    as_jspan type = as_jobject_get(schema, "type");
    as_jspan choices = as_jobject_get(schema, "enum");
    as_jspan value;
    bool first = true;
    if (choices.kind != AS_J_ARRAY) {
        if (type.kind == AS_J_STRING)
            add_string(out, "", type);
        else
            add_raw(out, "", type);
        return;
    }
    for (size_t at = 0; as_jarray_next(choices, &at, &value); first = false)
        add_raw(out, first ? "" : " | ", value);
}

static void add_property(as_buf *out, as_jspan key, as_jspan schema, bool required,
                         const char *indent)
{
    as_buf_text(out, indent);
    add_string(out, "", key);
    if (schema.kind != AS_J_OBJECT) {
        as_buf_byte(out, '\n');
        return;
    }
    as_buf_text(out, ": ");
    add_type(out, schema);
    if (required)
        as_buf_text(out, ", required");
    add_raw(out, ", default ", as_jobject_get(schema, "default"));
    add_raw(out, ", at least ", as_jobject_get(schema, "minimum"));
    add_raw(out, ", above ", as_jobject_get(schema, "exclusiveMinimum"));
    add_raw(out, ", at most ", as_jobject_get(schema, "maximum"));
    as_buf_byte(out, '\n');
    as_jspan description = as_jobject_get(schema, "description");
    if (description.kind == AS_J_STRING) {
        as_buf_text(out, indent);
        add_string(out, "    ", description);
        as_buf_byte(out, '\n');
    }
}

static bool is_required(as_jspan object, as_jspan key)
{
    as_jspan list = as_jobject_get(object, "required");
    as_jspan value;
    if (list.kind != AS_J_ARRAY)
        return false;
    for (size_t at = 0; as_jarray_next(list, &at, &value);)
        if (as_str_eq(value.text, key.text))
            return true;
    return false;
}

void as_schema_render(as_buf *out, const char *schema, const char *indent)
{
    as_jspan object;
    as_jspan key;
    as_jspan value;
    if (as_json_scan(as_str_of(schema), &object, NULL) < 0 || object.kind != AS_J_OBJECT) {
        as_buf_text(out, indent);
        as_buf_text(out, "(its schema is not JSON)\n");
        return;
    }
    as_jspan properties = as_jobject_get(object, "properties");
    if (properties.kind != AS_J_OBJECT) { /* written another way: shown as it is */
        as_buf_text(out, indent);
        as_buf_add(out, object.text);
        as_buf_byte(out, '\n');
        return;
    }
    for (size_t at = 0; as_jobject_next(properties, &at, &key, &value);)
        add_property(out, key, value, is_required(object, key), indent);
}
