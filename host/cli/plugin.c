/* plugin.c -- `assay plugin list` and `assay plugin info`: what there is, what it says of itself,
 * where it would run. SPDX-License-Identifier: Apache-2.0 */
#include "cli/plugin.h"

#include "base/jspan.h"
#include "base/mem.h"
#include "cli/common.h"
#include "plug/discover.h"

#include <stdio.h>

const char *as_plugin_isolation(bool ours, uint32_t flags)
{
    return ours && !(flags & ASSAY_F_PROCESS_GLOBAL) ? "inproc" : "worker";
}

const char *as_plugin_isolation_why(bool ours, uint32_t flags)
{
    if (!ours)
        return "not one of ours: its SHA-256 is not in the list this build wrote";
    return flags & ASSAY_F_PROCESS_GLOBAL ? "ours, but with state that belongs to a whole process"
                                          : "ours: its SHA-256 is in the list this build wrote";
}

static void add_text(as_buf *out, const char *key, const char *text)
{
    as_buf_json_key(out, key);
    if (text)
        as_buf_json_str(out, as_str_of(text));
    else
        as_buf_text(out, "null");
}

static void add_bool(as_buf *out, const char *key, bool value)
{
    as_buf_json_key(out, key);
    as_buf_text(out, value ? "true" : "false");
}

/* ---- list ---- */

typedef struct list_opts {
    bool json;
    const char *plugin_path;
} list_opts;

static const as_opt list_options[] = {
    AS_JSON_OPTION(list_opts, "one JSON object"),
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      .offset = offsetof(list_opts, plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = NULL },
};

static void list_json(as_buf *out, const as_listed *all, size_t n)
{
    as_buf_text(out, "{\"schema\":\"assay.plugin_list/1\",\"plugins\":[");
    for (size_t i = 0; i < n; i++) {
        const as_listed *l = &all[i];
        as_buf_text(out, i ? ",\n{" : "\n{");
        add_text(out, "path", l->path);
        add_bool(out, "ours", l->ours);
        add_bool(out, "shadowed", l->shadowed);
        add_text(out, "isolation",
                 l->infos ? as_plugin_isolation(l->ours, l->infos[0].flags) : NULL);
        add_text(out, "problem", l->problem);
        as_buf_json_key(out, "verifiers");
        as_buf_byte(out, '[');
        for (uint32_t j = 0; l->infos && j < l->n_infos; j++) {
            if (j)
                as_buf_byte(out, ',');
            as_info_write(&l->infos[j], out);
        }
        as_buf_text(out, "]}");
    }
    as_buf_text(out, "\n]}\n");
}

typedef struct widths {
    int name, version;
} widths;

static void widen(int *width, const char *text)
{
    size_t n = strlen(text);
    if (n < 40 && (int)n > *width)
        *width = (int)n;
}

static widths measure(const as_listed *all, size_t n)
{
    widths w = { 4, 7 };
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; all[i].infos && j < all[i].n_infos; j++) {
            widen(&w.name, as_info_short_name(&all[i].infos[j]));
            widen(&w.version, all[i].infos[j].version);
        }
    }
    return w;
}

static const char *votes_word(const as_verifier_info *info)
{
    if (!info->probed)
        return "?"; /* it needs a configuration before it says so */
    return info->votes ? "yes" : "no";
}

/* A plugin's own words on a terminal: no control characters. */
static void add_plain(as_buf *out, const char *text)
{
    for (const char *p = text; *p; p++)
        as_buf_byte(out, (char)((unsigned char)*p < 0x20 || *p == 0x7f ? ' ' : *p));
}

static void list_row(as_buf *out, const as_listed *l, const as_verifier_info *info, widths w)
{
    as_buf_addf(out, "%-*.40s  %-*.40s  %-5s  %-9s  ", w.name, as_info_short_name(info), w.version,
                info->version, votes_word(info), as_plugin_isolation(l->ours, info->flags));
    add_plain(out, l->path);
    if (l->shadowed)
        as_buf_text(out, "  (shadowed: a file of this name comes earlier)");
    as_buf_byte(out, '\n');
}

static void list_table(as_buf *out, const as_listed *all, size_t n)
{
    widths w = measure(all, n);
    bool problems = false;
    as_buf_addf(out, "%-*s  %-*s  %-5s  %-9s  %s\n", w.name, "NAME", w.version, "VERSION", "VOTES",
                "RUNS", "PATH");
    for (size_t i = 0; i < n; i++) {
        for (uint32_t j = 0; all[i].infos && j < all[i].n_infos; j++)
            list_row(out, &all[i], &all[i].infos[j], w);
        problems = problems || all[i].problem;
    }
    if (problems)
        as_buf_text(out, "\ncannot be used:\n");
    for (size_t i = 0; i < n; i++) {
        if (!all[i].problem)
            continue;
        as_buf_text(out, "  ");
        if (strncmp(all[i].problem, all[i].path, strlen(all[i].path)) != 0) {
            add_plain(out, all[i].path);
            as_buf_text(out, ": ");
        }
        add_plain(out, all[i].problem);
        as_buf_byte(out, '\n');
    }
}

static int run_list(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const list_opts *o = opts;
    as_registry_options where = { .plugin_path = o->plugin_path };
    AS_CLEANUP(registry) as_registry *registry = NULL;
    const as_listed *all = NULL;
    size_t n = 0;
    int rc = as_registry_open(&registry, &where, err);
    rc = rc < 0 ? rc : as_registry_list(registry, &all, &n, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 64 << 20);
    if (o->json)
        list_json(&out, all, n);
    else
        list_table(&out, all, n);
    rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_cli_out(as_buf_str(&out), err);
}

const as_command as_cmd_plugin_list = {
    .name = "plugin list",
    .summary = "lists the verifiers in the search path",
    .options = list_options,
    .example = "assay plugin list",
    .details = "Folders, in this order: --plugin-path, ASSAY_PLUGIN_PATH, "
               "~/.local/lib/assay/plugins, and the plugins of this "
               "build or installation. What a plugin says of itself is read by a child process, "
               "once per file: a plugin that "
               "crashes while it is loaded is listed with its problem. VOTES says whether it can "
               "be used by `assay vote`; "
               "\"?\" where it wants a configuration first. RUNS is its default isolation.",
    .run = run_list,
    .opts_size = sizeof(list_opts),
};

/* ---- info ---- */

typedef struct info_opts {
    bool json;
    const char *plugin_path;
} info_opts;

static const as_opt info_options[] = {
    AS_JSON_OPTION(info_opts, "one JSON object"),
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      .offset = offsetof(info_opts, plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = NULL },
};

static const struct {
    uint32_t flag;
    const char *word, *meaning;
} flag_words[] = {
    { ASSAY_F_DETERMINISTIC, "deterministic", "same item, same result" },
    { ASSAY_F_REENTRANT, "reentrant", "one instance serves all threads" },
    { ASSAY_F_PROCESS_GLOBAL, "process_global", "one instance per process" },
    { ASSAY_F_NEEDS_GROUP, "needs_group", "all answers to a prompt in one batch" },
    { ASSAY_F_NEEDS_REFERENCE, "needs_reference", "abstains without a reference" },
    { ASSAY_F_USES_SANDBOX, "uses_sandbox", "runs programs in the sandbox" },
    { ASSAY_F_USES_NETWORK, "uses_network", "talks to the network" },
    { ASSAY_F_BLOCKS, "blocks", "waits more than it computes" },
};
enum { N_FLAGS = sizeof(flag_words) / sizeof(flag_words[0]) };

typedef struct subject { /* one file, described */
    as_found found;
    char hash[65];
    as_index_entry entry;
} subject;

static void info_json_one(as_buf *out, const subject *s, const as_verifier_info *info)
{
    as_buf_byte(out, '{');
    as_buf_json_key(out, "verifier");
    as_info_write(info, out);
    as_buf_json_key(out, "flags");
    as_buf_byte(out, '[');
    bool first = true;
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (!(info->flags & flag_words[i].flag))
            continue;
        if (!first)
            as_buf_byte(out, ',');
        first = false;
        as_buf_json_str(out, as_str_of(flag_words[i].word));
    }
    as_buf_byte(out, ']');
    as_buf_json_key(out, "config_schema");
    as_jspan schema = { .kind = AS_J_NONE };
    bool is_json =
        info->config_schema && as_json_scan(as_str_of(info->config_schema), &schema, NULL) == 0;
    as_buf_add(out, is_json ? schema.text : AS_LIT("null"));
    add_text(out, "isolation", as_plugin_isolation(s->found.ours, info->flags));
    add_text(out, "isolation_why", as_plugin_isolation_why(s->found.ours, info->flags));
    as_buf_byte(out, '}');
}

static bool is_wanted(const subject *s, const as_verifier_info *info)
{
    const char *name = s->found.verifier;
    return !name || strcmp(info->id, name) == 0 || strcmp(as_info_short_name(info), name) == 0;
}

static void info_json(as_buf *out, const subject *s)
{
    bool first = true;
    as_buf_text(out, "{\"schema\":\"assay.plugin_info/1\"");
    add_text(out, "path", s->found.path);
    add_text(out, "sha256", s->hash);
    add_bool(out, "ours", s->found.ours);
    as_buf_json_key(out, "verifiers");
    as_buf_byte(out, '[');
    for (uint32_t i = 0; i < s->entry.n_infos; i++) {
        if (!is_wanted(s, &s->entry.infos[i]))
            continue;
        if (!first)
            as_buf_byte(out, ',');
        first = false;
        info_json_one(out, s, &s->entry.infos[i]);
    }
    as_buf_text(out, "]}\n");
}

static void line(as_buf *out, const char *label, const char *text)
{
    if (!text || !*text)
        return;
    as_buf_addf(out, "  %-12s ", label);
    add_plain(out, text);
    as_buf_byte(out, '\n');
}

static void info_flags(as_buf *out, const as_verifier_info *info)
{
    const char *label = "flags";
    for (size_t i = 0; i < N_FLAGS; i++) {
        if (!(info->flags & flag_words[i].flag))
            continue;
        as_buf_addf(out, "  %-12s %s: %s\n", label, flag_words[i].word, flag_words[i].meaning);
        label = "";
    }
}

static void info_extensions(as_buf *out, const as_verifier_info *info)
{
    const char *text = "none";
    if (!info->probed)
        text = "not known: it wants a configuration before it says so";
    else if (info->votes && info->tasks)
        text = ASSAY_EXT_ANSWER " (it can vote), " ASSAY_EXT_TASKS " (self-play)";
    else if (info->votes)
        text = ASSAY_EXT_ANSWER " (it can vote)";
    else if (info->tasks)
        text = ASSAY_EXT_TASKS " (self-play)";
    line(out, "extensions", text);
}

static void info_text_one(as_buf *out, const subject *s, const as_verifier_info *info)
{
    char text[300];
    add_plain(out, info->id);
    as_buf_byte(out, '\n');
    line(out, "summary", info->summary);
    line(out, "name", info->name);
    line(out, "version", info->version);
    (void)snprintf(text, sizeof text, "%u (part of the cache's key)", info->revision);
    line(out, "revision", text);
    line(out, "license", info->license);
    line(out, "url", info->url);
    for (size_t i = 0; info->tags[i]; i++)
        line(out, i ? "" : "tags", info->tags[i]);
    (void)snprintf(text, sizeof text, "%g to %g", (double)info->score_min, (double)info->score_max);
    line(out, "scores", text);
    (void)snprintf(text, sizeof text, "about %u us per item", info->cost_us);
    line(out, "cost", info->cost_us ? text : "not given");
    info_flags(out, info);
    info_extensions(out, info);
    (void)snprintf(text, sizeof text, "%u.%u (this host: %u.%u)", info->abi_major, info->abi_minor,
                   ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR);
    line(out, "ABI", text);
    line(out, "file", s->found.path);
    line(out, "sha256", s->hash);
    (void)snprintf(text, sizeof text, "%s by default (%s)",
                   as_plugin_isolation(s->found.ours, info->flags),
                   as_plugin_isolation_why(s->found.ours, info->flags));
    line(out, "runs", text);
    if (!info->config_schema) {
        line(out, "config", "takes none");
        return;
    }
    as_buf_text(out, "  config\n");
    as_schema_render(out, info->config_schema, "    ");
}

static int describe(subject *s, as_arena *arena, as_err *err)
{
    const char *paths[] = { s->found.path };
    s->entry = (as_index_entry){ .path = s->found.path };
    as_digest_hex(s->found.sha256, s->hash);
    as_describe_files(paths, &s->entry, 1, arena);
    if (!s->entry.problem)
        return 0;
    if (strncmp(s->entry.problem, s->found.path, strlen(s->found.path)) == 0)
        return as_fail(err, AS_EPLUGIN, "%s", s->entry.problem);
    return as_fail(err, AS_EPLUGIN, "%s: %s", s->found.path, s->entry.problem);
}

static int write_info(const subject *s, bool json, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    bool any = false;
    as_buf_init(&out, 64 << 20);
    for (uint32_t i = 0; i < s->entry.n_infos; i++) {
        if (!is_wanted(s, &s->entry.infos[i]))
            continue;
        any = true;
        if (!json)
            info_text_one(&out, s, &s->entry.infos[i]);
    }
    if (!any)
        return as_fail(err, AS_EPLUGIN, "%s: holds no verifier \"%s\" (see `assay plugin info %s`)",
                       s->found.path, s->found.verifier, s->found.path);
    if (json)
        info_json(&out, s);
    int rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_cli_out(as_buf_str(&out), err);
}

static int run_info(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const info_opts *o = opts;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "name one plugin (see `assay plugin list`)");
    as_registry_options where = { .plugin_path = o->plugin_path };
    AS_CLEANUP(registry) as_registry *registry = NULL;
    subject s = { .hash = "" };
    as_arena arena;
    int rc = as_registry_open(&registry, &where, err);
    rc = rc < 0 ? rc : as_registry_find(registry, operands->at[0], &s.found, err);
    if (rc < 0)
        return rc;
    as_arena_init(&arena, 0);
    rc = describe(&s, &arena, err);
    rc = rc < 0 ? rc : write_info(&s, o->json, err);
    as_arena_fini(&arena);
    return rc;
}

const as_command as_cmd_plugin_info = {
    .name = "plugin info",
    .summary = "shows what a verifier says of itself, its configuration and where it would run",
    .operands = "NAME",
    .options = info_options,
    .example = "assay plugin info exact",
    .details = "NAME as for --plugin: a name, a PATH with '/', or PATH#verifier where a file holds "
               "several. The plugin is "
               "loaded by a child process, never by this one.",
    .run = run_info,
    .opts_size = sizeof(info_opts),
};
