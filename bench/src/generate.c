/* generate.c -- our side of bench/generate_vs_hf and of gpu_check: completions of given prompts,
 * when told to. A line of input: "load MODEL THREADS CONTEXT [DEVICE TYPE SEQUENCES]" (a Hugging
 * Face folder, or a .gguf file, or a shape of bench_model.h; in fp32 on the processor, where that
 * is not said; so many sequences at a time), "gguf FOLDER FILE" (the folder's weights as F16), "prompts FILE" (ids, a prompt a
 * line), "go N SEED" (N tokens of each at temperature 1), "greedy N FILE" (the ids of each to a
 * line of FILE). A line of output: seconds and processor seconds, tokens written, bytes of
 * matrices. SPDX-License-Identifier: Apache-2.0 */
#include "model/generate.h"
#include "bench_model.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/gguf_model.h"
#include "model/weights_io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_PROMPTS = 1024, MOST_IDS = 1 << 20 };

typedef struct side {
    as_weights_index *index;
    as_tokenizer *tokenizer;
    k_device *dev;
    as_parameters *p;
    as_generator *generator;
    int32_t *ids;                    /* [MOST_IDS] of all prompts */
    size_t begins[MOST_PROMPTS + 1]; /* of prompt i in ids */
    size_t n_prompts, next;
    int32_t *written; /* [n_prompts][n_new] */
    size_t n_new, n_written;
} side;

/* ---- models ---- */

static void unload(side *s)
{
    as_generator_free(s->generator);
    as_parameters_free(s->p);
    k_device_close(s->dev);
    as_tokenizer_free(s->tokenizer);
    as_weights_index_free(s->index);
    s->generator = NULL;
    s->p = NULL;
    s->dev = NULL;
    s->tokenizer = NULL;
    s->index = NULL;
}

static int read_folder(side *s, const char *path, float **arena, as_err *err)
{
    as_model_config config;
    int rc = as_model_config_load(&config, path, err);
    if (rc == 0)
        rc = as_weights_index_new(&s->index, &config, err);
    if (rc == 0)
        rc = as_tokenizer_open(&s->tokenizer, path, err);
    if (rc < 0 || !s->index)
        return rc;
    *arena = as_calloc(s->index->n_elements, sizeof **arena);
    const as_weights_load_options how = { .dtype = AS_F32 };
    return *arena ? as_weights_load(s->index, path, &how, *arena, err)
                  : as_fail(err, AS_ENOMEM, "out of memory");
}

static int read_gguf(side *s, const char *path, float **arena, as_err *err)
{
    as_gguf *g = NULL;
    as_model_config config;
    AS_CLEANUP(buf) as_buf tokenizer = { 0 };
    as_buf_init(&tokenizer, (size_t)1 << 30);
    int rc = as_gguf_open(&g, path, err);
    if (rc == 0)
        rc = as_gguf_config(g, &config, err);
    if (rc == 0)
        rc = as_weights_index_new(&s->index, &config, err);
    if (rc == 0)
        rc = as_gguf_tokenizer(g, &tokenizer, err);
    if (rc == 0)
        rc = as_tokenizer_parse(&s->tokenizer, as_buf_str(&tokenizer), path, err);
    if (rc == 0) {
        *arena = as_calloc(s->index->n_elements, sizeof **arena);
        rc = *arena ? as_gguf_load(g, s->index, *arena, err)
                    : as_fail(err, AS_ENOMEM, "out of memory");
    }
    as_gguf_close(g);
    return rc;
}

static int read_model(side *s, const char *path, float **arena, as_err *err)
{
    as_model_config config;
    if (bench_shape(&config, path))
        return as_weights_index_new(&s->index, &config, err);
    const size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".gguf") == 0 ? read_gguf(s, path, arena, err)
                                                       : read_folder(s, path, arena, err);
}

/* Where and how a model is computed. */
typedef struct place {
    const char *device, *type;
    int n_threads;
    int64_t context, sequences;
} place;

static int load(side *s, const char *path, const place *where, as_err *err)
{
    unload(s);
    AS_CLEANUP(free) float *arena = NULL;
    const as_parameters_options how = { .type = strcmp(where->type, "bf16") == 0 ? K_BF16 : K_F32,
                                        .max_pos = where->context };
    int rc = read_model(s, path, &arena, err);
    if (rc == 0)
        rc = bench_device_open(&s->dev, where->device, where->n_threads,
                               as_is_run_by_vectors(&s->index->config, how.type), err);
    if (rc < 0)
        return rc;
    as_gen_options options = as_gen_standard();
    if (where->sequences > 0) {
        options.max_seqs = where->sequences;
        options.batch_tokens = 64 * where->sequences;
    }
    rc = as_parameters_new(&s->p, s->index, s->dev, &how, err);
    if (rc == 0)
        rc = arena ? as_parameters_set(s->p, arena, AS_F32, err) : bench_fill(s->p, err);
    return rc == 0 ? as_generator_new(&s->generator, s->p, s->tokenizer, &options, err) : rc;
}

static int to_gguf(side *s, const char *folder, const char *path, as_err *err)
{
    unload(s);
    AS_CLEANUP(free) float *arena = NULL;
    int rc = read_folder(s, folder, &arena, err);
    const as_gguf_save_options how = {
        .arena_dtype = AS_F32, .type = AS_GGUF_F16, .like = folder, .name = "bench"
    };
    return rc == 0 ? as_gguf_save(s->index, arena, &how, path, err) : rc;
}

static size_t matrix_elements(const side *s)
{
    size_t n = 0;
    for (size_t i = 0; s->index && i < s->index->n_tensors; i++) {
        const as_tensor *t = &s->index->tensors[i];
        if (t->rows > 1 && (t->role != AS_W_EMBED || s->index->config.is_tied))
            n += t->n;
    }
    return n;
}

/* ---- prompts and completions ---- */

static int read_prompts(side *s, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, (size_t)1 << 28);
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    size_t n = 0;
    s->n_prompts = 0;
    for (char *at = text.data, *end; at && *at && s->n_prompts < MOST_PROMPTS && n < MOST_IDS;
         at = end) {
        const long id = strtol(at, &end, 10);
        if (end == at)
            break;
        s->ids[n++] = (int32_t)id;
        if (*end == '\n')
            s->begins[++s->n_prompts] = n;
    }
    return 0;
}

static int next(void *ctx, as_gen_prompt *out, as_err *err)
{
    (void)err;
    side *s = ctx;
    if (s->next == s->n_prompts)
        return 0;
    const size_t begin = s->begins[s->next];
    *out = (as_gen_prompt){ .ids = s->ids + begin,
                            .n_ids = s->begins[s->next + 1] - begin,
                            .key = s->next,
                            .n = 1,
                            .tag = s->written + s->next * s->n_new };
    s->next++;
    return 1;
}

static int done(void *ctx, const as_gen_sample *sample, as_err *err)
{
    (void)err;
    side *s = ctx;
    memcpy(sample->tag, sample->ids, sample->n * sizeof *sample->ids);
    s->n_written += sample->n;
    return 0;
}

static int generate(side *s, size_t n_new, float temperature, uint64_t seed, as_err *err)
{
    as_free(s->written);
    s->written = as_calloc(s->n_prompts * n_new + 1, sizeof *s->written);
    if (!s->written || !s->generator)
        return as_fail(err, AS_EUSAGE, "no model, or no memory");
    s->n_new = n_new;
    s->n_written = s->next = 0;
    const as_sampling how = { .temperature = temperature,
                              .top_p = 1,
                              .max_tokens = (uint32_t)n_new,
                              .seed = seed,
                              .ignores_eos = true };
    const as_gen_io io = { .next = next, .done = done, .ctx = s };
    return as_generate(s->generator, &how, &io, err);
}

static int write_ids(const side *s, const char *path, as_err *err)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return as_fail(err, AS_EIO, "%s: cannot be written", path);
    for (size_t i = 0; i < s->n_prompts; i++)
        for (size_t j = 0; j < s->n_new; j++)
            (void)fprintf(f, "%d%c", s->written[i * s->n_new + j], j + 1 < s->n_new ? ' ' : '\n');
    return fclose(f) == 0 ? 0 : as_fail(err, AS_EIO, "%s: cannot be written", path);
}

static int run(side *s, char *line, as_err *err)
{
    char what[16] = "", a[1600] = "", b[1600] = "", c[32] = "", d[32] = "", e[32] = "", f[32] = "";
    (void)sscanf(line, "%15s %1599s %1599s %31s %31s %31s %31s", what, a, b, c, d, e, f);
    const unsigned long first = strtoul(a, NULL, 10), second = strtoul(b, NULL, 10);
    if (strcmp(what, "load") == 0) {
        const place where = { .device = *d ? d : "cpu",
                              .type = *e ? e : "fp32",
                              .n_threads = (int)second,
                              .context = (int64_t)strtoul(c, NULL, 10),
                              .sequences = (int64_t)strtoul(f, NULL, 10) };
        return load(s, a, &where, err);
    }
    if (strcmp(what, "gguf") == 0)
        return to_gguf(s, a, b, err);
    if (strcmp(what, "prompts") == 0)
        return read_prompts(s, a, err);
    if (strcmp(what, "go") == 0)
        return generate(s, first, 1, second, err);
    int rc = generate(s, first, 0, 0, err);
    return rc == 0 ? write_ids(s, b, err) : rc;
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(void)
{
    static char line[4096];
    static side s;
    s.ids = as_calloc(MOST_IDS, sizeof *s.ids);
    while (s.ids && fgets(line, sizeof line, stdin)) {
        as_err err = { 0 };
        s.n_written = 0;
        const int64_t wall = as_now_ns();
        const double cpu = cpu_seconds();
        if (run(&s, line, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        (void)printf("%.9f %.9f %zu %zu\n", (double)(as_now_ns() - wall) * 1e-9,
                     cpu_seconds() - cpu, s.n_written, matrix_elements(&s));
        (void)fflush(stdout);
    }
    unload(&s);
    as_free(s.written);
    as_free(s.ids);
    return 0;
}
