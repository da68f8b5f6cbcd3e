/* compat_host.c -- the smallest host: compat_host PLUGIN.so RULE. Built with the older, today's and
 * the newer header; plays plugin.h's rules from the host's side and checks what the plugin made of
 * it. SPDX-License-Identifier: Apache-2.0 */
#include <assay/plugin.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define HAS(p, field) ((p)->size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                          \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

struct seen {
    int n_rules, n_keys, n_logs;
    char rule[64];
};
static struct seen seen;

static void host_log(const assay_host *host, int32_t level, const char *line)
{
    (void)host;
    (void)level;
    seen.n_logs += strcmp(line, "made") == 0;
}

static const void *service(const assay_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static int32_t cancelled(const assay_call *call)
{
    (void)call;
    return 0;
}

static assay_status emit(const assay_call *call, uint32_t item, uint32_t channel, assay_str text)
{
    (void)call;
    if (item >= 2 || text.len >= sizeof seen.rule)
        return ASSAY_E_ARG;
    if (channel == ASSAY_OUT_KEY)
        seen.n_keys++;
    if (channel == ASSAY_OUT_RULE) {
        seen.n_rules++;
        memcpy(seen.rule, text.data, text.len);
        seen.rule[text.len] = 0;
    }
    return ASSAY_OK;
}

static assay_call make_call(void)
{
    return (assay_call){
        .size = sizeof(assay_call),
        .cancelled = cancelled,
        .emit = emit,
#ifdef DERIVED_NEW
        .of_a_later_version = 42,
#endif
    };
}

static int use_extension(assay_verifier *v, const assay_call *call, const assay_batch *b)
{
    assay_error e = { .size = sizeof e };
    CHECK(HAS(v, extension) && v->extension != NULL);
    const assay_ext_answer *answer = v->extension(v, ASSAY_EXT_ANSWER);
    CHECK(answer != NULL && HAS(answer, extract));
    CHECK(answer->extract(v, call, b, &e) == ASSAY_OK && seen.n_keys == 2);
#ifndef DERIVED_OLD
    if (HAS(answer, same))
        CHECK(answer->same(v, call, b->completion[0], b->completion[1]) == 1);
#endif
#ifdef DERIVED_NEW
    if (HAS(v, of_a_later_version))
        CHECK(v->of_a_later_version == 42);
#endif
    return 0;
}

static int use(assay_verifier *v, const char *rule)
{
    const assay_str completion[] = { { "a", 1 }, { "b", 1 } },
                    reference[] = { { "a", 1 }, { "a", 1 } };
    const assay_str absent[2] = { { NULL, 0 }, { NULL, 0 } };
    const uint64_t group[] = { 0, 1 };
    assay_batch b = {
        .size = sizeof b,
        .n = 2,
        .prompt = absent,
        .completion = completion,
        .reference = reference,
        .meta = absent,
        .group = group,
#ifndef DERIVED_OLD
        .seed = group,
#endif
#ifdef DERIVED_NEW
        .of_a_later_version = 42,
#endif
    };
    float score[2] = { -1.0f, -1.0f };
    assay_verdict verdict[2] = { ASSAY_UNSET, ASSAY_UNSET };
    assay_scores out = { .size = sizeof out, .n = 2, .score = score, .verdict = verdict };
    assay_call call = make_call();
    assay_error e = { .size = sizeof e };
    CHECK(v->score(v, &call, &b, &out, &e) == ASSAY_OK);
    CHECK(verdict[0] == ASSAY_PASS && verdict[1] == ASSAY_FAIL);
    CHECK(score[0] > 0.5f && score[1] < 0.5f);
    CHECK(seen.n_rules == 2);
    if (strcmp(seen.rule, rule) != 0) {
        (void)fprintf(stderr, "rule \"%s\", expected \"%s\"\n", seen.rule, rule);
        return 1;
    }
    return use_extension(v, &call, &b);
}

int main(int argc, char **argv)
{
    CHECK(argc == 3);
    void *so = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        (void)fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    const assay_entry *entry = dlsym(so, "assay_plugin_entry");
    CHECK(entry && entry->magic == ASSAY_MAGIC && entry->abi_major == ASSAY_ABI_MAJOR);
    const assay_descriptor *d = entry->verifiers[0];
    CHECK(d && HAS(d, create));
    static const assay_host host = {
        .size = sizeof host,
        .abi_minor = ASSAY_ABI_MINOR,
        .name = "compat",
        .version = "1",
        .log = host_log,
        .service = service,
    };
    assay_verifier *v = NULL;
    assay_error e = { .size = sizeof e };
    CHECK(d->create(d, &host, (assay_str){ "{}", 2 }, &v, &e) == ASSAY_OK && v);
    CHECK(seen.n_logs == 1);
    return use(v, argv[2]);
}
