/* chat.c -- finds a folder's template, and the families' own; hands the conversation to jinja.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/chat.h"

#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"

enum { MAX_FILE = 64 << 20, N_TOKENS = 7, N_FIXED = 4, MAX_VARIABLES = 64 };

static const char *const token_names[N_TOKENS] = { "bos_token", "eos_token", "unk_token",
                                                   "sep_token", "pad_token", "cls_token",
                                                   "mask_token" };

struct as_chat {
    bool is_family;
    as_jinja *plain, *with_tools; /* with_tools: NULL where the one serves all */
    as_str tokens[N_TOKENS];      /* JSON strings; data NULL: not set */
    as_arena arena;
};

/* ---- families ---- */

#define ANSWER "{%- generation %}{{- message.content + '<|im_end|>' }}{%- endgeneration %}"
#define CHATML_MESSAGE                                                                             \
    "{{- '<|im_start|>' + message.role + '\\n' }}{%- if message.role == 'assistant' %}" ANSWER     \
    "{%- else %}{{- message.content + '<|im_end|>' }}{%- endif %}{{- '\\n' }}"
#define CHATML_PROMPT "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
#define CHATML_WITH_SYSTEM(text)                                                                   \
    ROLES "{%- if not messages or messages[0].role != 'system' %}{{- '<|im_start|>system\\n" text  \
          "<|im_end|>\\n' }}{%- endif %}{%- for message in messages %}" CHATML_MESSAGE             \
          "{%- endfor %}" CHATML_PROMPT

/* What a family's format has beyond this is in the template of the model's folder. */
#define ROLES                                                                                      \
    "{%- for message in messages %}{%- if message.tool_calls or message.role not in ['system', "   \
    "'user', 'assistant'] %}"                                                                      \
    "{{- raise_exception('the family has no form for tools and the role ' ~ message.role ~ "       \
    "': use the template of the model') }}{%- endif %}{%- endfor %}"

static const struct family {
    const char *name;
    const char *bos, *eos; /* where no folder says */
    const char *template;
} families[] = {
    { "plain", NULL, NULL,
      "{%- for message in messages %}{%- if message.role == 'assistant' %}{%- generation %}{{- "
      "message.content }}"
      "{%- endgeneration %}{%- else %}{{- message.content }}{%- endif %}{%- endfor %}" },
    { "chatml", NULL, "<|im_end|>",
      "{%- for message in messages %}" CHATML_MESSAGE "{%- endfor %}" CHATML_PROMPT },
    { "qwen2.5", NULL, "<|im_end|>",
      CHATML_WITH_SYSTEM("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.") },
    { "smollm2", "<|im_start|>", "<|im_end|>",
      CHATML_WITH_SYSTEM("You are a helpful AI assistant named SmolLM, trained by Hugging Face") },
    /* what was thought before the last question is left out, and an answer after it has its place
     * for thoughts */
    { "qwen3", NULL, "<|im_end|>",
      ROLES
      "{%- set ns = namespace(asked=-1) %}{%- for message in messages %}{%- if message.role == "
      "'user' %}"
      "{%- set ns.asked = loop.index0 %}{%- endif %}{%- endfor %}"
      "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
      "{%- if message.role == 'assistant' %}{%- generation %}"
      "{%- set thought = message.reasoning_content or '' %}{%- set content = message.content %}"
      "{%- if not thought and '</think>' in content %}"
      "{%- set thought = "
      "content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}"
      "{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}"
      "{%- if loop.index0 > ns.asked and (loop.last or thought) %}"
      "{{- '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}"
      "{%- else %}{{- content }}{%- endif %}{{- '<|im_end|>' }}{%- endgeneration %}"
      "{%- else %}{{- message.content + '<|im_end|>' }}{%- endif %}{{- '\\n' }}{%- endfor %}"
      "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
      "{%- if enable_thinking is defined and enable_thinking is false %}{{- "
      "'<think>\\n\\n</think>\\n\\n' }}"
      "{%- endif %}{%- endif %}" },
    { "llama3", "<|begin_of_text|>", "<|eot_id|>",
      ROLES
      "{{- bos_token }}{%- for message in messages %}"
      "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' }}"
      "{%- if message.role == 'assistant' %}{%- generation %}{{- message.content | trim + "
      "'<|eot_id|>' }}{%- endgeneration %}"
      "{%- else %}{{- message.content | trim + '<|eot_id|>' }}{%- endif %}{%- endfor %}"
      "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' "
      "}}{%- endif %}" },
    { "zephyr", "<s>", "</s>",
      ROLES
      "{%- for message in messages %}{{- '<|' + message.role + '|>\\n' }}"
      "{%- if message.role == 'assistant' %}{%- generation %}{{- message.content + eos_token }}{%- "
      "endgeneration %}"
      "{%- else %}{{- message.content + eos_token }}{%- endif %}{{- '\\n' }}{%- endfor %}"
      "{%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}" },
};

const char *as_chat_families(void)
{
    return "plain, chatml, qwen2.5, qwen3, llama3, smollm2, zephyr";
}

/* ---- opening ---- */

/* The value of "bos_token": a text, or an object with its content. Kept as JSON. */
static int read_tokens(as_chat *c, as_jspan config, as_err *err)
{
    for (size_t i = 0; i < N_TOKENS; i++) {
        as_jspan value = as_jobject_get(config, token_names[i]);
        if (value.kind == AS_J_OBJECT)
            value = as_jobject_get(value, "content");
        if (value.kind != AS_J_STRING)
            continue;
        c->tokens[i] = as_arena_str(&c->arena, value.text);
        if (!c->tokens[i].data)
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    return 0;
}

static int parse_one(as_jinja **out, as_jspan template, const char *name, as_err *err)
{
    as_arena scratch;
    as_arena_init(&scratch, 0);
    as_str text = as_jstring(template, &scratch, NULL);
    int rc = *out         ? as_fail(err, AS_EDATA, "%s: two templates of the same name", name)
             : !text.data ? as_fail(err, AS_ENOMEM, "%s: out of memory", name)
                          : as_jinja_parse(out, text, name, err);
    as_arena_fini(&scratch);
    return rc;
}

/* chat_template of tokenizer_config.json, in either form. */
static int read_template(as_chat *c, as_jspan value, const char *path, as_err *err)
{
    as_jspan one;
    int rc = 0;
    if (value.kind == AS_J_STRING)
        return parse_one(&c->plain, value, path, err);
    for (size_t at = 0; rc == 0 && as_jarray_next(value, &at, &one);) {
        as_jspan name = as_jobject_get(one, "name"), text = as_jobject_get(one, "template");
        if (as_jspan_is(name, "default") && text.kind == AS_J_STRING)
            rc = parse_one(&c->plain, text, path, err);
        else if (as_jspan_is(name, "tool_use") && text.kind == AS_J_STRING)
            rc = parse_one(&c->with_tools, text, path, err);
    }
    return rc;
}

static int read_config(as_chat *c, const char *folder, bool has_template, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, "tokenizer_config.json");
    AS_CLEANUP(buf) as_buf text;
    as_jspan config;
    as_buf_init(&text, MAX_FILE);
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!as_path_exists(path))
        return 0;
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    rc = as_json_scan(as_buf_str(&text), &config, err);
    if (rc < 0) {
        as_err_prefix(err, "%s", path);
        return rc;
    }
    rc = read_tokens(c, config, err);
    return rc < 0 || has_template
               ? rc
               : read_template(c, as_jobject_get(config, "chat_template"), path, err);
}

static int read_folder(as_chat *c, const char *folder, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, "chat_template.jinja");
    AS_CLEANUP(buf) as_buf text;
    as_buf_init(&text, MAX_FILE);
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    bool has_template = as_path_exists(path);
    int rc = has_template ? as_file_read(path, &text, err) : 0;
    if (rc == 0 && has_template)
        rc = as_jinja_parse(&c->plain, as_buf_str(&text), path, err);
    if (rc == 0)
        rc = read_config(c, folder, has_template, err);
    if (rc < 0 || c->plain)
        return rc;
    return as_fail(
        err, AS_EDATA,
        "%s has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json): "
        "name a family (%s)",
        folder, as_chat_families());
}

static as_chat *make(as_err *err)
{
    as_chat *c = as_calloc(1, sizeof *c);
    if (c)
        as_arena_init(&c->arena, 0);
    else
        (void)as_fail(err, AS_ENOMEM, "out of memory");
    return c;
}

static int end(as_chat **out, as_chat *c, int rc)
{
    *out = rc < 0 ? NULL : c;
    if (rc < 0)
        as_chat_free(c);
    return rc;
}

int as_chat_open(as_chat **out, const char *folder, as_err *err)
{
    *out = NULL;
    as_chat *c = make(err);
    return c ? end(out, c, read_folder(c, folder, err)) : AS_ENOMEM;
}

static void set_token(as_chat *c, size_t i, const char *text)
{
    if (text)
        c->tokens[i] = as_arena_fmt(&c->arena, "\"%s\"", text); /* ours: nothing to escape */
}

int as_chat_open_family(as_chat **out, const char *family, const char *folder, as_err *err)
{
    const struct family *f = families, *last = families + sizeof families / sizeof *families;
    *out = NULL;
    while (f < last && strcmp(f->name, family) != 0)
        f++;
    if (f == last)
        return as_fail(err, AS_EUSAGE, "chat family \"%s\" unknown (known: %s)", family,
                       as_chat_families());
    as_chat *c = make(err);
    if (!c)
        return AS_ENOMEM;
    c->is_family = true;
    set_token(c, 0, f->bos);
    set_token(c, 1, f->eos);
    int rc = as_jinja_parse(&c->plain, as_str_of(f->template), f->name, err);
    if (rc == 0 && folder)
        rc = read_config(c, folder, true, err);
    return end(out, c, rc);
}

void as_chat_free(as_chat *c)
{
    if (!c)
        return;
    as_jinja_free(c->plain);
    as_jinja_free(c->with_tools);
    as_arena_fini(&c->arena);
    as_free(c);
}

/* ---- rendering ---- */

/* The caller's own variables, after ours, which they replace. */
static int add_variables(as_str json, as_arena *scratch, as_jinja_variable *to, size_t *n,
                         as_err *err)
{
    as_jspan all, key, value;
    if (!json.data)
        return 0;
    int rc = as_json_scan(json, &all, err);
    if (rc == 0 && all.kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "not an object");
    if (rc < 0) {
        as_err_prefix(err, "chat variables");
        return rc;
    }
    for (size_t at = 0; as_jobject_next(all, &at, &key, &value);) {
        as_str name = as_jstring(key, scratch, NULL);
        if (!name.data)
            return as_fail(err, AS_ENOMEM, "out of memory");
        if (*n == MAX_VARIABLES)
            return as_fail(err, AS_EDATA, "chat variables: more than %d",
                           MAX_VARIABLES - N_TOKENS - N_FIXED);
        to[(*n)++] = (as_jinja_variable){ name.data, value.text };
    }
    return 0;
}

int as_chat_say(as_buf *out, as_str prompt, as_err *err)
{
    as_buf_clear(out);
    as_buf_text(out, "[{\"role\":\"user\",\"content\":");
    as_buf_add(out, prompt);
    as_buf_text(out, "}]");
    return as_buf_check(out, err);
}

int as_chat_render(const as_chat *c, const as_chat_request *request, as_buf *out,
                   as_jinja_spans *spans, as_err *err)
{
    as_jinja_variable v[MAX_VARIABLES] = {
        { "messages", request->messages },
        { "tools", request->tools.data ? request->tools : AS_LIT("null") },
        { "documents", request->documents.data ? request->documents : AS_LIT("null") },
        { "add_generation_prompt", request->opens_answer ? AS_LIT("true") : AS_LIT("false") },
    };
    size_t n = N_FIXED;
    for (size_t i = 0; i < N_TOKENS; i++)
        v[n++] = (as_jinja_variable){ token_names[i], c->tokens[i] };
    if (c->is_family && request->tools.data && !as_str_is(request->tools, "null"))
        return as_fail(err, AS_EDATA,
                       "the compiled-in chat families have no form for tools: use the template of "
                       "the model's folder");
    as_arena scratch;
    as_arena_init(&scratch, 0);
    int rc = add_variables(request->variables, &scratch, v, &n, err);
    const as_jinja_options options = { v, n, request->now };
    if (rc == 0)
        rc = as_jinja_render(request->tools.data && c->with_tools ? c->with_tools : c->plain,
                             &options, out, spans, err);
    as_arena_fini(&scratch);
    return rc;
}
