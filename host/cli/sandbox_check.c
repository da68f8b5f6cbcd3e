/* sandbox_check.c -- `assay sandbox check`: each layer of the isolation, proved by trying to break
 * it. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/sandbox.h"

#include <unistd.h>

typedef struct check_opts {
    const char *require;
    bool json;
} check_opts;

static const as_opt options[] = {
    AS_SANDBOX_REQUIRE(check_opts, require),
    AS_JSON_OPTION(check_opts, "one JSON object on stdout"),
    { .name = NULL },
};

static const char *const states[] = { "off", "degraded", "ok" };

static unsigned rank_of(const char *level)
{
    static const char *const levels[] = { "none", "weak", "medium", "strong" };
    unsigned i = 3;
    while (i > 0 && strcmp(levels[i], level) != 0)
        i--;
    return i;
}

bool as_sandbox_level_holds(const char *level, const char *require)
{
    return rank_of(level) >= rank_of(require);
}

static void add_json(as_buf *b, const asbx_layer *all, uint32_t n, const char *level)
{
    as_buf_addf(b, "{\"schema\":\"assay.sandbox_check/1\",\"level\":\"%s\",\"layers\":[", level);
    for (uint32_t i = 0; i < n; i++) {
        const char *const pairs[][2] = { { "name", all[i].name },
                                         { "state", states[all[i].state] },
                                         { "protects", all[i].protects },
                                         { "found", all[i].found },
                                         { "cure", all[i].cure[0] ? all[i].cure : NULL } };
        as_buf_text(b, i > 0 ? ",{" : "{");
        for (size_t k = 0; k < 5 && pairs[k][1]; k++) {
            as_buf_json_key(b, pairs[k][0]);
            as_buf_json_str(b, as_str_of(pairs[k][1]));
        }
        as_buf_byte(b, '}');
    }
    as_buf_text(b, "]}\n");
}

static void add_lines(as_buf *b, const asbx_layer *all, uint32_t n, const char *level)
{
    static const char *const colours[] = { "\033[31m", "\033[33m", "\033[32m" };
    bool colour = as_cli_color(STDOUT_FILENO);
    for (uint32_t i = 0; i < n; i++) {
        as_buf_addf(b, "%s%-8s%s  %-22s  %s\n", colour ? colours[all[i].state] : "",
                    states[all[i].state], colour ? "\033[0m" : "", all[i].name, all[i].found);
        if (all[i].cure[0])
            as_buf_addf(b, "%34s-> %s\n", "", all[i].cure);
    }
    as_buf_addf(b, "\nlevel: %s\n", level);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const check_opts *o = opts;
    asbx_layer all[ASBX_LAYERS];
    const char *level = "none";
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 20);
    uint32_t n = asbx_check(all, &level);
    (o->json ? add_json : add_lines)(&out, all, n, level);
    int rc = as_buf_check(&out, err);
    if (rc == 0)
        rc = as_cli_out(as_buf_str(&out), err);
    if (rc < 0 || as_sandbox_level_holds(level, o->require))
        return rc;
    return as_fail(err, AS_ESANDBOX,
                   "the level is %s, and %s is required; the lines with -> say what to do", level,
                   o->require);
}

const as_command as_cmd_sandbox_check = {
    .name = "sandbox check",
    .summary = "tries to break each layer of the isolation and says what holds",
    .options = options,
    .details =
        "Levels: strong, every layer holds; medium, all but Landlock or what keeps jobs from "
        "shared memory and core files; weak, jobs run in their namespaces and under seccomp, "
        "but something else is missing; none, no program is run at all. own uid, cgroup and "
        "yama are told and count for nothing.\n"
        "Exit code 4 where the level is lower than --require.",
    .example = "assay sandbox check",
    .run = run,
    .opts_size = sizeof(check_opts),
};
