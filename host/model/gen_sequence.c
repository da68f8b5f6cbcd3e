/* gen_sequence.c -- see gen_sequence.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/gen_sequence.h"

#include "base/mem.h"

#include <string.h>

enum { MOST_TEXT = 64 << 20 };

int as_gen_seq_new(as_gen_seq **out, const as_gen_prompt *p, size_t n_prompt, size_t most,
                   int64_t most_blocks, as_err *err)
{
    as_gen_seq *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "no memory for a sequence");
    *s = (as_gen_seq){
        .tag = p->tag, .key = p->key, .n_ids = n_prompt, .n_prompt = n_prompt, .most = most
    };
    as_buf_init(&s->text, MOST_TEXT);
    s->ids = as_calloc(most, sizeof *s->ids);
    s->logp = as_calloc(most - n_prompt + 1, sizeof *s->logp);
    s->entropy = as_calloc(most - n_prompt + 1, sizeof *s->entropy);
    int rc = as_kv_table_init(&s->table, most_blocks, err);
    if (rc == 0 && (!s->ids || !s->logp || !s->entropy))
        rc = as_fail(err, AS_ENOMEM, "no memory for a sequence of %zu tokens", most);
    if (rc < 0) {
        as_gen_seq_free(s, NULL);
        return rc;
    }
    memcpy(s->ids, p->ids, n_prompt * sizeof *s->ids);
    *out = s;
    return 0;
}

void as_gen_seq_free(as_gen_seq *s, as_kv_blocks *blocks)
{
    if (!s)
        return;
    as_kv_table_fini(&s->table, blocks);
    as_buf_fini(&s->text);
    as_free(s->ids);
    as_free(s->logp);
    as_free(s->entropy);
    as_free(s);
}

static bool is_eos(const as_gen_ends *ends, int32_t id)
{
    for (size_t i = 0; i < ends->n_eos && !ends->how->ignores_eos; i++)
        if (ends->eos[i] == id)
            return true;
    return false;
}

/* Cuts the text before the first stop text that ends in what was added behind `from`. */
static bool cut_at_stop(as_buf *text, size_t from, const as_gen_ends *ends)
{
    size_t first = text->len, begin = from > ends->longest_stop ? from - ends->longest_stop : 0;
    for (size_t i = 0; i < ends->how->n_stops; i++) {
        as_str stop = ends->how->stops[i];
        const char *at = text->len > begin && stop.len
                             ? memmem(text->data + begin, text->len - begin, stop.data, stop.len)
                             : NULL;
        if (at && (size_t)(at - text->data) < first)
            first = (size_t)(at - text->data);
    }
    if (first == text->len)
        return false;
    text->len = first;
    text->data[first] = 0;
    return true;
}

bool as_gen_seq_add(as_gen_seq *s, const as_sampled *token, const as_gen_ends *ends,
                    as_finish *finish)
{
    const size_t i = s->n_ids - s->n_prompt, before = s->text.len;
    s->ids[s->n_ids++] = token->id;
    s->logp[i] = (float)token->logp;
    s->entropy[i] = (float)token->entropy;
    const bool ends_text = is_eos(ends, token->id);
    *finish = AS_FINISH_STOP;
    if (ends->has_text && !ends_text) {
        as_decoder_put(&s->decoder, token->id, &s->text);
        if (cut_at_stop(&s->text, before, ends))
            return true;
    }
    const bool is_full = !ends_text && s->n_ids == s->most;
    if (is_full)
        *finish = AS_FINISH_LENGTH;
    if (ends->has_text && (ends_text || is_full))
        as_decoder_end(&s->decoder, &s->text);
    return ends_text || is_full;
}
