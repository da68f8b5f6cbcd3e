/* check_config.c -- tests of create() and of what an instance offers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/mem.h"
#include "plug/check_env.h"
#include "plug/info.h"

/* With no configuration given, `{}` is tried; a verifier that needs one is checked with that of its
 * known answers. */
int as_test_create(as_checker *c)
{
    assay_verifier *v = NULL;
    assay_error error;
    assay_status status = as_check_try_create(c, c->config, &v, &error);
    if (v && status == ASSAY_OK && v->destroy)
        v->destroy(v);
    if (status == ASSAY_E_CONFIG && !c->options->config) {
        for (uint32_t i = 0; i < c->known->n; i++) {
            if (!c->known->at[i].config.data)
                continue;
            if (as_check_create(c, c->known->at[i].config, &v) < 0)
                return -1;
            v->destroy(v);
            c->notes |= AS_CHECK_USE_KNOWN_CONFIG;
            return as_check_ok(
                c, "needs a configuration; checked with that of line %llu of its known answers",
                (unsigned long long)c->known->at[i].line_no);
        }
        return as_check_fail(c, "create() refuses {}: %s; give one by --config", error.text);
    }
    if (as_check_create(c, c->config, &v) < 0)
        return -1;
    v->destroy(v);
    return as_check_ok(c, "with %.200s", c->config.data);
}

static const char *check_tasks(const assay_ext_tasks *x)
{
    if (!AS_HAS(x, pose))
        return "is too small (set its size to sizeof(assay_ext_tasks))";
    if (!x->kinds || !x->kinds[0])
        return "names no kinds";
    return x->propose && x->validate && x->pose ? NULL : "lacks propose, validate or pose";
}

int as_test_extensions(as_checker *c)
{
    static const char *const unknown[] = { "assay.no_such_extension/1", "assay.answer/4294967295",
                                           "" };
    assay_verifier *v = c->v;
    if (!v->extension)
        return as_check_ok(c, "offers none");
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        if (v->extension(v, unknown[i]))
            return as_check_fail(
                c, "extension(\"%s\") is not NULL; answer the ids you know and NULL to the rest",
                unknown[i]);
    const assay_ext_answer *answer = v->extension(v, ASSAY_EXT_ANSWER);
    const assay_ext_tasks *tasks = v->extension(v, ASSAY_EXT_TASKS);
    if (answer && !as_check_answer(v))
        return as_check_fail(c,
                             ASSAY_EXT_ANSWER " has no extract, or a size that does not reach it");
    const char *bad = tasks ? check_tasks(tasks) : NULL;
    if (bad)
        return as_check_fail(c, ASSAY_EXT_TASKS " %s", bad);
    if (answer != v->extension(v, ASSAY_EXT_ANSWER))
        return as_check_fail(c, "extension() gives another pointer each time");
    return as_check_ok(c, "%s%s%s", answer ? ASSAY_EXT_ANSWER : "",
                       tasks ? " " ASSAY_EXT_TASKS : "",
                       answer || tasks ? "" : "none that this host knows");
}

/* create() has to refuse with E_CONFIG, a text, and no verifier. */
static int must_refuse(as_checker *c, as_str config, const char *what, const char *cure)
{
    assay_verifier *v = NULL;
    assay_error error;
    assay_status status = as_check_try_create(c, config, &v, &error);
    if (status == ASSAY_OK)
        return as_check_fail(c, "create() accepts %s: %s", what, cure);
    if (status != ASSAY_E_CONFIG)
        return as_check_fail(
            c, "create() refuses %s with %s; ASSAY_E_CONFIG tells the user whose fault it is", what,
            as_status_word(status));
    if (!error.text[0])
        return as_check_fail(
            c, "create() refuses %s without a text; say what is wrong and what is allowed", what);
    return v ? as_check_fail(c, "create() refuses %s but leaves a verifier in *out", what) : 0;
}

int as_test_unknown_key(as_checker *c)
{
    AS_CLEANUP(buf) as_buf config;
    as_str base = as_str_trim(c->config);
    as_buf_init(&config, base.len + 100);
    as_buf_add(&config, (as_str){ base.data, base.len - 1 });
    bool is_empty = as_str_is_blank((as_str){ base.data + 1, base.len - 2 });
    as_buf_text(&config, is_empty ? "\"assay_no_such_key\":1}" : ",\"assay_no_such_key\":1}");
    if (must_refuse(c, as_buf_str(&config), "the unknown key \"assay_no_such_key\"",
                    "a typing error in a reward's settings must not pass in silence") < 0)
        return -1;
    return as_check_ok(c, "an unknown key is refused");
}

int as_test_config_type(as_checker *c)
{
    static const char *const wrong[] = { "[]", "3", "\"text\"", "{\"a\":", "{} {}" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (must_refuse(c, as_str_of(wrong[i]), wrong[i], "the configuration is one JSON object") <
            0)
            return -1;
    return as_check_ok(c, "what is not an object is refused");
}
