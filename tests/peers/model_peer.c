/* model_peer.c -- the file side of host/model as a program, for comparison with the Python
 * packages.
 *
 * model_peer save FROM TO TYPE [SHARD_BYTES]   a folder as a folder, in F32, BF16 or F16
 * model_peer fresh FROM TO TYPE                the same, with a config.json written from nothing
 * model_peer gguf FROM FILE TYPE               a folder as GGUF, in F32, F16, BF16 or Q8_0
 * model_peer ungguf FILE TO                    GGUF as a folder of F32, with its tokenizer
 * model_peer merge FROM ADAPTER TO             a folder with a LoRA adapter added
 * model_peer lora FROM ADAPTER TO              an adapter as an adapter
 * model_peer checkpoint FROM DIR TYPE          a folder as the checkpoint DIR/step_7, which is read
 * back model_peer start FROM TO                     an adapter of rank 4 that changes nothing yet
 * model_peer score FROM FILE                   the score of each line {"prompt","completion"}
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "model/gguf_model.h"
#include "model/lora.h"
#include "model/reward_model.h"
#include "model/weights_io.h"
#include "train/checkpoint.h"

#include <stdio.h>

typedef struct model {
    as_weights_index *x;
    float *arena;
} model;

static int make(model *m, const as_model_config *c, as_err *err)
{
    int rc = as_weights_index_new(&m->x, c, err);
    if (rc < 0)
        return rc;
    m->arena = as_calloc(m->x->n_elements, sizeof *m->arena);
    return m->arena ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int open_folder(model *m, const char *folder, as_err *err)
{
    as_model_config c;
    int rc = as_model_config_load(&c, folder, err);
    if (rc == 0)
        rc = make(m, &c, err);
    return rc < 0 ? rc : as_weights_load(m->x, folder, NULL, m->arena, err);
}

static int save_folder(const model *m, const char *like, char **argv, int argc, as_err *err)
{
    unsigned long long shard = 0;
    as_weights_save_options o = { AS_F32, AS_F32, like, 0 };
    if (argc > 1 && !as_dtype_of(as_str_of(argv[1]), &o.file_dtype))
        return as_fail(err, AS_EUSAGE, "no type %s", argv[1]);
    if (argc > 2 && as_str_u64(as_str_of(argv[2]), &shard))
        o.shard_bytes = (size_t)shard;
    return as_weights_save(m->x, m->arena, &o, argv[0], err);
}

static int save_gguf(const model *m, const char *like, char **argv, as_err *err)
{
    static const as_gguf_type types[] = { AS_GGUF_F32, AS_GGUF_F16, AS_GGUF_BF16, AS_GGUF_Q8_0 };
    as_gguf_save_options o = { AS_F32, AS_GGUF_F32, like, "peer" };
    for (size_t i = 0; i < 4; i++)
        if (strcmp(as_gguf_type_name(types[i]), argv[1]) == 0)
            o.type = types[i];
    return as_gguf_save(m->x, m->arena, &o, argv[0], err);
}

/* argv: FROM ADAPTER TO */
static int adapt(const model *m, bool merges, char **argv, as_err *err)
{
    const as_weights_save_options o = { AS_F32, AS_F32, argv[0], 0 };
    as_lora *l = NULL;
    float *arena = NULL;
    int rc = as_lora_load(&l, &arena, m->x, argv[1], err);
    if (rc == 0 && merges)
        rc = as_lora_merge(l, arena, m->arena, AS_F32, err);
    if (rc == 0)
        rc = merges ? as_weights_save(m->x, m->arena, &o, argv[2], err)
                    : as_lora_save(l, arena, AS_F32, argv[0], argv[2], err);
    as_lora_free(l);
    as_free(arena);
    return rc;
}

static int start(const model *m, char **argv, as_err *err)
{
    const as_lora_config c = { 4, 8, false, AS_LORA_ALL };
    as_lora *l = NULL;
    int rc = as_lora_new(&l, m->x, &c, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) float *arena = as_calloc(l->n_elements, sizeof *arena);
    rc = arena ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0) {
        as_lora_start(l, arena, 1);
        rc = as_lora_save(l, arena, AS_F32, argv[0], argv[1], err);
    }
    as_lora_free(l);
    return rc;
}

/* argv: FROM DIR TYPE */
static int checkpoint(const model *m, char **argv, as_err *err)
{
    as_checkpoint_counter counter = { "row", 5 };
    as_checkpoint c = { .index = m->x, .weights = m->arena, .step = 7, .run = "peer" };
    as_checkpoint_options o = { AS_F32, argv[0], 2, 0 };
    size_t n = m->x->n_elements;
    AS_CLEANUP(free) float *more = as_calloc(2 * n, sizeof *more);
    AS_CLEANUP(free) char *path = NULL;
    if (!more || !as_dtype_of(as_str_of(argv[2]), &o.dtype))
        return as_fail(err, more ? AS_EUSAGE : AS_ENOMEM, "no type %s", argv[2]);
    c.m = more;
    c.v = more + n;
    c.counters = &counter;
    c.n_counters = 1;
    int rc = as_checkpoint_save(&c, &o, argv[1], err);
    if (rc == 0)
        rc = as_checkpoint_latest(&path, argv[1], err);
    if (rc == 0)
        rc = path ? as_checkpoint_load(&c, path, err) : as_fail(err, AS_EDATA, "it is not there");
    return rc;
}

static int score_line(void *ctx, as_str line, uint64_t no, as_err *err)
{
    as_arena arena;
    as_jspan object;
    double score = 0;
    (void)no;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    as_arena_init(&arena, 0);
    const as_str prompt = as_jstring(as_jobject_get(object, "prompt"), &arena, NULL);
    const as_str answer = as_jstring(as_jobject_get(object, "completion"), &arena, NULL);
    rc = as_reward_model_score(ctx, &prompt, &answer, 1, &score, NULL, NULL, err);
    as_arena_fini(&arena);
    (void)printf("%.9g\n", score);
    return rc;
}

/* argv: FROM FILE */
static int score(char **argv, as_err *err)
{
    k_device *dev = NULL;
    as_reward_model *r = NULL;
    int rc = k_device_open(&dev, "cpu", NULL) < 0 ? as_fail(err, AS_EUSAGE, "no device") : 0;
    if (rc == 0)
        rc = as_reward_model_open(&r, argv[0], dev, NULL, err);
    if (rc == 0)
        rc = as_lines_each(argv[1], score_line, r, err);
    as_reward_model_free(r);
    k_device_close(dev);
    return rc;
}

static int work(const model *m, const char *what, int argc, char **argv, as_err *err)
{
    if (strcmp(what, "gguf") == 0 && argc == 5)
        return save_gguf(m, argv[2], argv + 3, err);
    if ((strcmp(what, "merge") == 0 || strcmp(what, "lora") == 0) && argc == 5)
        return adapt(m, what[0] == 'm', argv + 2, err);
    if (strcmp(what, "checkpoint") == 0 && argc == 5)
        return checkpoint(m, argv + 2, err);
    if (strcmp(what, "score") == 0)
        return score(argv + 2, err);
    if (strcmp(what, "start") == 0)
        return start(m, argv + 2, err);
    return save_folder(m, strcmp(what, "save") == 0 ? argv[2] : NULL, argv + 3, argc - 3, err);
}

int main(int argc, char **argv)
{
    as_err err = { 0 };
    model m = { NULL, NULL };
    const char *what = argc > 3 ? argv[1] : "";
    int rc = AS_EUSAGE;
    bool is_import = strcmp(what, "ungguf") == 0;
    if (what[0] && !is_import)
        rc = open_folder(&m, argv[2], &err);
    if (is_import)
        rc = as_gguf_import(argv[2], argv[3], AS_F32, &err);
    else if (!m.x || !m.arena)
        rc = rc < 0 ? rc : AS_EUSAGE;
    else if (rc == 0)
        rc = work(&m, what, argc, argv, &err);
    if (rc < 0)
        (void)fprintf(stderr, "%s\n", err.text[0] ? err.text : "usage: see model_peer.c");
    as_weights_index_free(m.x);
    as_free(m.arena);
    return as_exit_status(rc);
}
