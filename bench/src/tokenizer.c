/* tokenizer.c -- our side of bench/tokenizer_vs_hf: encodes documents when told to. A line of input,
 * "load FOLDER", "read FILE" (documents end with a NUL), "go" or "ids"; a line of output: seconds and
 * processor seconds, tokens; for "ids" the ids of all documents as 32-bit words into FILE.ids.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "model/tokenizer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct state {
    as_tokenizer *tokenizer;
    as_encoder *encoder;
    as_buf text;
    as_tokens tokens;
    char file[4096];
} state;

static double now(clockid_t which)
{
    struct timespec t;
    (void)clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int load(state *s, const char *folder, as_err *err)
{
    as_encoder_free(s->encoder);
    as_tokenizer_free(s->tokenizer);
    s->encoder = NULL;
    int rc = as_tokenizer_open(&s->tokenizer, folder, err);
    return rc < 0 ? rc : as_encoder_new(&s->encoder, s->tokenizer, err);
}

/* All documents, each into a buffer of its own: what a program does that writes them somewhere. */
static int go(state *s, FILE *ids, size_t *n, as_err *err)
{
    const char *p = s->text.data, *end = p + s->text.len;
    for (*n = 0; p < end;) {
        const char *stop = memchr(p, 0, (size_t)(end - p));
        s->tokens.n = 0;
        int rc = as_encode(s->encoder, (as_str){ p, (size_t)(stop - p) }, 0, &s->tokens, err);
        if (rc < 0)
            return rc;
        if (ids)
            (void)fwrite(s->tokens.ids, sizeof *s->tokens.ids, s->tokens.n, ids);
        *n += s->tokens.n;
        p = stop + 1;
    }
    return 0;
}

static int run(state *s, char *line, size_t *n, as_err *err)
{
    char *what = strchr(line, ' ');
    if (strncmp(line, "load ", 5) == 0)
        return load(s, what + 1, err);
    if (strncmp(line, "read ", 5) == 0) {
        as_buf_clear(&s->text);
        (void)snprintf(s->file, sizeof s->file, "%s.ids", what + 1);
        return as_file_read(what + 1, &s->text, err);
    }
    FILE *ids = strcmp(line, "ids") == 0 ? fopen(s->file, "wb") : NULL;
    int rc = go(s, ids, n, err);
    if (ids)
        (void)fclose(ids);
    return rc;
}

int main(void)
{
    state s = { 0 };
    char line[4096];
    as_buf_init(&s.text, (size_t)1 << 30);
    while (fgets(line, sizeof line, stdin)) {
        as_err err = { 0 };
        size_t n = 0;
        line[strcspn(line, "\n")] = 0;
        double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
        if (run(&s, line, &n, &err) < 0) {
            (void)fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        (void)printf("%.9f %.9f %zu\n", now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - cpu, n);
        (void)fflush(stdout);
    }
    as_buf_fini(&s.text);
    as_tokens_fini(&s.tokens);
    as_encoder_free(s.encoder);
    as_tokenizer_free(s.tokenizer);
    return 0;
}
