#!/usr/bin/env python3
"""mutations.py BUILD -- breaks the scalar kernels and the transformer on purpose, one sign, epsilon or index at a time, and
runs the tests that must notice. Each mutant is compiled as BUILD compiles the file and linked in front of the library.

A mutant that does not apply any more (its text is gone) is an error, as one that survives is.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
NAIVE = "kernels/cpu/naive/"
KERNEL_TESTS = ("kernels_gradients", "kernels_forward", "kernels_sampling", "kernels_chance")
MODEL_TESTS = ("test_model_differences", "test_model_transformer", "test_model_gradients")
# file: (text, what takes its place) ...; the text is there once
KERNELS = {
    "gemm.c": [
        ("sum += get(a->bias, a->type, j);", "sum -= get(a->bias, a->type, j);"),
        ("get(a->w, a->type, j * a->k + k);\n            if (a->bias)", "get(a->w, a->type, k * a->n + j);\n            if (a->bias)"),
        ("sum += get(a->y, a->y_type, i * a->n + j);", ";"),
        ("get(a->dy, x_type, i * a->n + j) * get(a->w, a->type, j * a->k + k)",
         "get(a->dy, x_type, j) * get(a->w, a->type, j * a->k + k)"),
        ("sum += get(a->dx, x_type, i * a->k + k);", ";"),
        ("dw[j * a->k + k] += sum;", "dw[j * a->k + k] = sum;"),
        ("dw[j * a->k + k] += sum;", "dw[k * a->n + j] += sum;"),
        ("dbias[j] += sum;", "dbias[j] = sum;"),
    ],
    "embed.c": [
        ("dtable[a->ids[t] * a->d + i] += get(a->dy, a->type, t * a->d + i);",
         "dtable[a->ids[t] * a->d + i] = get(a->dy, a->type, t * a->d + i);"),
        ("get(a->table, a->type, a->ids[t] * a->d + i)", "get(a->table, a->type, i * a->vocab + a->ids[t])"),
        ("if (ids[t] < 0 || ids[t] >= vocab)", "if (ids[t] < 0 || ids[t] > vocab)"),
    ],
    "norm.c": [
        ("+ (real)a->eps);", "- (real)a->eps);"),
        ("squares / (real)a->n", "squares"),
        ("rounded(a->type, get(from, a->type, x + i) * rstd)", "get(from, a->type, x + i) * rstd"),
        ("from = a->residual;", ";"),
        ("get(a->residual, a->type, x + i) + get(a->x", "get(a->residual, a->type, x + i) - get(a->x"),
        ("return row / per_token * stride + row % per_token * n;", "return row * n;"),
        ("- h * mean);", "+ h * mean);"),
        ("mean /= (real)a->n;", ";"),
        ("sum += get(a->dresidual, a->type, dx + i);", "sum -= get(a->dresidual, a->type, dx + i);"),
        ("dw[i] += dyi * h;", "dw[i] += dyi * h * rstd;"),
        ("dw[i] += dyi * h;", "dw[i] = dyi * h;"),
    ],
    "rope.c": [
        ("a * c[i] - b * s[i] * sign", "a * c[i] + b * s[i] * sign"),
        ("a->inverse ? -1 : 1", "1"),
        ("a = get(x, type, at + i), b = get(x, type, at + half + i);",
         "a = get(x, type, at + 2 * i), b = get(x, type, at + 2 * i + 1);"),
        ("(const real *)a->sin + a->positions[t] * half", "(const real *)a->sin + t * half"),
    ],
    "mlp.c": [
        ("1 / (1 + r_exp(-x))", "1 / (1 + r_exp(x))"),
        ("dy * u * s * (1 + g * (1 - s))", "dy * u * s * (1 - g * (1 - s))"),
        ("dy * g * s);", "dy * g);"),
        ("up = gate + a->f;", "up = gate + a->f - (a->f > 1);"),
    ],
    "attention.c": [
        ("b->type, dim) * scale;", "b->type, dim);"),
        ("r_exp(r->max - max) : 0;", "1 : 0;"),
        ("r.max + r_log(r.sum)", "r.max - r_log(r.sum)"),
        ("int64_t k_head = (a->heads + h / (a->heads / a->kv_heads)) * dim;",
         "int64_t k_head = (a->heads + h % a->kv_heads) * dim;"),
        ("for (int64_t u = first; u <= last &&", "for (int64_t u = first; u < p->before + p->end - p->begin &&"),
        ("position < p->before ? p->parent + position", "position < p->before ? p->begin + position"),
        ("p->begin + position - p->before;", "p->begin + position - 1;"),
        ("p.before = cu[parents[s] + 1] - p.parent;", ";"),
        ("a->parents[next] == s)\n            next++;", "false)\n            next++;"),
        ("else if (parents[s] != last)", "else if (last < 0)"),
        ("i <= b->of.before + t - b->of.begin; i++", "i <= t - b->of.begin; i++"),
        ("- ((const real *)a->delta)[head])", "+ ((const real *)a->delta)[head])"),
        ("r_exp(s - ((const real *)a->lse)[head])", "r_exp(s)"),
        ("for (int64_t t = u; t < b->end; t++)", "for (int64_t t = u + 1; t < b->end; t++)"),
        ("dv[i] += p * get", "dv[i] += ds * get"),
        ("for (int64_t h = kv * group; h < (kv + 1) * group; h++)", "for (int64_t h = kv; h < a->heads; h += a->kv_heads)"),
        ("return ((block * kv_heads + kv) * block_size + offset) * dim;",
         "return ((block * block_size + kv) * kv_heads + offset) * dim;"),
        ("if (a->slots[t] < 0)\n            continue;", ";"),
        ("p <= a->positions[t] && b.n", "p < a->positions[t] && b.n"),
        ("a->seq_of[t] * a->max_blocks;\n", "t * a->max_blocks % a->n_seqs;\n"),
    ],
    "lmhead.c": [
        ("z[j] = sum / (real)temperature;", "z[j] = sum * (real)temperature;"),
        ("r_log(sum) - mean / sum;", "r_log(sum) + mean / sum;"),
        ("lse[row] = max + r_log(sum);", "lse[row] = r_log(sum);"),
        ("z[target] - max - r_log(sum);", "z[target] - r_log(sum);"),
        ("- e * p * (logp + entropy);", "- e * p * (logp - entropy);"),
        ("- e * p * (logp + entropy);", "+ e * p * (logp + entropy);"),
        ("(real)(j == a->targets[row]) - p", "(real)(j == a->targets[row]) + p"),
        ("dw[j * a->d + i] += z[j] * h / (real)a->temperature;", "dw[j * a->d + i] += z[j] * h;"),
        ("dh / (real)a->temperature", "dh"),
        ("        if (a->logp)\n            score_row(", "        if (a->logp && a->ecoef)\n            score_row("),
    ],
    "sample.c": [
        ("return a->p < b->p ? 1 : -1;", "return a->p < b->p ? -1 : 1;"),
        ("(a->id > b->id) - (a->id < b->id)", "(a->id < b->id) - (a->id > b->id)"),
        ("before / total <", "before <"),
        ("(i == 0 || before / total < (real)how->top_p)", "before / total <= (real)how->top_p"),
        ("n > 1 && r[n - 1].p < (real)how->min_p * r[0].p", "n > 1 && r[n - 1].p < (real)how->min_p"),
        ("if (sum > threshold)", "if (sum > threshold * 0.9)"),
        ("logp - r_log(total)", "logp + r_log(total)"),
        ("z[j] / temperature - max, e", "z[j] * temperature - max, e"),
        ("- of.max - of.log_sum;", "- of.log_sum;"),
        ("how->prompt, how->sample, how->position", "how->prompt, how->position, how->sample"),
        ("how->seed, how->prompt", "how->prompt, how->seed"),
        ("z[j] > z[best]", "z[j] >= z[best]"),
    ],
    "adamw.c": [
        ("1 - a->lr * a->weight_decay", "1 + a->lr * a->weight_decay"),
        ("pow(a->beta1, (double)a->step)", "pow(a->beta1, (double)a->step - 1)"),
        ("1 / sqrt(1 - pow(a->beta2, (double)a->step))", "1"),
        ("r_sqrt(v[i]) * unbias + eps", "r_sqrt(v[i] + eps) * unbias"),
        ("(1 - b2) * g * g", "(1 - b2) * g"),
        ("grad[i] * (real)a->grad_scale", "grad[i]"),
        ("weight(a, i) * decay - step", "weight(a, i) * decay + step"),
        ("get(a->copy, K_BF16, i);", "get(a->copy, K_BF16, 0);"),
        ("a->first + (uint64_t)i", "(uint64_t)i"),
        ("k_chances(a->seed, element / 4, (uint64_t)a->step, word);", "k_chances(a->seed, element / 4, 1, word);"),
        ("k_chances(a->seed,", "k_chances(0,"),
        ("word[element % 4] >> 16", "word[0] >> 16"),
        ("word[element % 4] >> 16", "word[element % 4] & 0xffff"),
        ("if (isfinite(f))", "if (true)"),
        ("(!a->master && (a->real != K_F32 || a->copy_type != K_BF16))", "false"),
        ("(!a->master && !a->copy)", "false"),
    ],
    "array.c": [
        ("get(a->a, a->type, i) + get(a->b", "get(a->a, a->type, i) - get(a->b"),
        ("+ (real)a->alpha * get", "- (real)a->alpha * get"),
        ("(a->x_rows ? a->x_rows[r] : r) * a->x_stride", "r * a->x_stride"),
        ("value += get(a->y, a->type, to + i);", ";"),
        ("if (a->accumulate)", ""),
        ("(a->y_rows ? a->y_rows[r] : r) * a->y_stride", "(a->y_rows ? a->y_rows[r] : r) * a->x_stride"),
        ("double sum = 0;", "float sum = 0;"),
    ],
}
MODEL = {
    "parameters.c": [
        ("pow(c->rope_theta, -2.0 *", "pow(c->rope_theta, -1.0 *"),
        ("sines[p * half + i] = sin((double)p * frequency);", "sines[p * half + i] = -sin((double)p * frequency);"),
        ("(1 - smooth) * frequency / c->rope_factor + smooth * frequency", "smooth * frequency / c->rope_factor + (1 - smooth) * frequency"),
        ("if (wave > original / c->rope_low)", "if (wave > original / c->rope_high)"),
    ],
    "forward.c": [
        ("a.bias = bias;", "a.bias = NULL;"),
        ("head_norm(r, AS_W_K_NORM, layer, c->n_heads,", "head_norm(r, AS_W_Q_NORM, layer, c->n_heads,"),
        ("a.scale = 1 / sqrt((double)c->head_dim);\n    a.qkv = l->qkv;\n    a.out", "a.scale = 1 / sqrt((double)c->d);\n    a.qkv = l->qkv;\n    a.out"),
        (".heads = c->n_heads + c->n_kv_heads };", ".heads = c->n_heads };"),
        ("as_run_norm(r, AS_W_NORM_MLP, layer, l->r0, l->r1,", "as_run_norm(r, AS_W_NORM_MLP, layer, l->r1, NULL,"),
        ("*to++ = (int32_t)(first + t - b->cu_seqlens[s]);", "*to++ = (int32_t)(first + t);"),
        ("const int64_t first = n_before(b, s);", "const int64_t first = 0;"),
        ("a.parents = r->parents;", ""),
        ("n += n_before(b, s);", ""),
        ("else if (b->parents[s] != last)", "else if (last < 0)"),
        ("to[t] = (int32_t)(block * block_size + at % block_size);", "to[t] = (int32_t)(block * block_size);"),
    ],
    "backward.c": [
        ("as_run_rope(r, r->a.dqkv, true);", "as_run_rope(r, r->a.dqkv, false);"),
        ("norm_bwd(r, AS_W_NORM_MLP, layer, l->r1, l->rstd2, r->a.dr, grads);",
         "norm_bwd(r, AS_W_NORM_MLP, layer, l->r1, l->rstd2, NULL, grads);"),
        ("layer, l->r0, l->rstd1, r->a.dr, grads);", "layer, l->r1, l->rstd1, r->a.dr, grads);"),
        ("c.y_rows = r->a.rows;", "c.y_rows = NULL;"),
        ("c.accumulate = true;", ""),
        ("a.parents = r->parents;", ""),
        ("a.entropy = has_entropy ? r->a.entropy : NULL;\n    a.ecoef = has_entropy ? r->a.ecoef : NULL;", ""),
        ("a.logp = has_logp ? NULL : r->a.logp;", "a.logp = NULL;"),
        ("        as_run_fetch(r, logp, r->a.logp, r->rows);", "        ;"),
        ("w.dbias = as_parameters_in(", "(void)as_parameters_in("),
        ("as_run_swiglu(r, layer);\n}", "}"),
        ("r->temperature = 0; /*", "; /*"),
    ],
}
# of one test each
MORE = {
    ("host/model/adapter.c", "test_model_adapter"): [
        (".alpha = as_lora_scale(a->lora), .y = a->scaled", ".alpha = 1, .y = a->scaled"),
        (".alpha = as_lora_scale(a->lora), .y = a->grads", ".alpha = 1, .y = a->grads"),
        ("int rc = copy_matrices(a, true);", "int rc = 0;"),
        ("ops->zero(a->p->dev, a->grads, n * k_type_size(a->p->real))", "0"),
        ("db.w = at(a, a->values, m->a);", "db.w = at(a, a->values, m->b);"),
        ("da.dy = at(a, a->values, m->b);", "da.dy = at(a, a->grads, m->b);"),
        ("next += m->in * m->out;", "next += m->in;"),
        ("if (p->type != p->real)", "if (false)"),
    ],
    ("host/model/score.c", "test_model_score"): [
        ("a.bias = as_parameters_at(r->p, AS_W_SCORE_BIAS, -1);", ""),
        ("if (!r->has_rows)", "if (false)"),
        ("if (r->a.dscore != r->a.scoef)", "if (false)"),
        ("w.x = r->a.h_rows;", "w.x = r->a.h_last;"),
        ("w.dbias = as_parameters_in(", "(void)as_parameters_in("),
        ("a.accumulate = adds;", ""),
    ],
    ("host/model/backward.c", "test_model_score"): [
        ("as_run_score_bwd(r, coef != NULL, grads)", "as_run_score_bwd(r, true, grads)"),
        ("(scoef && !r->has_scores)", "false"),
        ("(!coef && (ecoef || !scoef))", "false"),
        ("r->has_scores = false;", ""),
    ],
    ("host/train/rm.c", "test_train_rm"): [
        ("coef[AS_REJECTED] = (-by_chosen +", "coef[AS_REJECTED] = (by_chosen +"),
        ("(by_chosen + 2 * c * sum) / n;", "by_chosen / n;"),
        ("s->loss += c * sum * sum / n;", ""),
        ("score[AS_CHOSEN] > score[AS_REJECTED];", "score[AS_CHOSEN] < score[AS_REJECTED];"),
        ("s->margin += (score[AS_CHOSEN] - score[AS_REJECTED]) / n;", "s->margin += score[AS_CHOSEN] / n;"),
        ("(step - 1) * rm->options.pairs + i", "i"),
        ("int rc = as_optimizer_zero(rm->o, err);", "int rc = 0;"),
        ("if (rc == 0 && w->learns)", "if (rc == 0)"),
    ],
    ("host/train/rl_pack.c", "test_train_rl_pack"): [
        ("p->cu_seqlens[p->prompt + 1] - 1;", "(int32_t)p->n_tokens - 1;"),
        ("put_ids(p, ids, response->n - 1, p->prompt);", "put_ids(p, ids, response->n - 1, -1);"),
        ("if (p->prompt < 0) {", "{"),
        ("seqs++;\n    }", "}"),
        ("tokens += (int64_t)r->items[rl->b.group[from]]->n_ids;", ""),
        ("if (is_taken(rl, row, takes)) {", "{"),
        ("if (!has_room(rl, from, to, takes))\n            rc = flush(rl, compute, ctx, err);", ""),
        ("rl->pack.prompt = -1;", ""),
        ("seqs <= most->seqs &&", ""),
        ("rows <= most->rows);", "true);"),
    ],
    ("host/train/pairs.c", "test_train_rm"): [
        ("at < most", "at <= most"),
        ("p->n_same++;\n        return 0;", "p->n_same++;"),
        ("seen < most ? seen : (size_t)as_rng_below(&r, seen + 1)", "seen"),
        ("is_first ? i : j, is_first ? j : i", "i, j"),
        ("if (last.kind == AS_J_NONE)\n            continue;", ";"),
    ],
    ("host/model/judged.c", "test_train_rm"): [
        ("j->eos >= 0)\n        j->ids", "false)\n        j->ids"),
        (".opens_answer = true", ".opens_answer = false"),
        ("return n > 0;", "return true;"),
    ],
    ("host/model/scoring.c", "test_train_rm"): [("first = i;", "")],
    ("host/model/scoring.c", "test_reward_model"): [
        ("(int32_t)(s->n_tokens - 1)", "(int32_t)(s->n_tokens - (int64_t)n)"),
    ],
    ("host/model/reward_model.c", "test_reward_model"): [
        ("score[m->of[i]] = m->score[i];", "score[i] = m->score[i];"),
        ("as_judged_is_chat(prompt)", "false"),
        ("n_ids > (size_t)m->longest", "n_ids + 1 > (size_t)m->longest"),
    ],
    ("host/model/gen_pass.c", "test_model_generate"): [
        ("seq = i * p->max_seqs;", "seq = 0;"),
        ("token = i * p->max_tokens,", "token = i * (p->max_tokens - 8),"),
        ("n < room ? n : room", "n"),
    ],
    ("host/model/lanes.c", "test_model_generate"): [
        ("whole->memory + (size_t)l->n * bytes", "whole->memory"),
        ("&l->passes[i], l->cache", "&l->passes[0], l->cache"),
    ],
    ("host/model/region.c", "test_model_region"): [
        ("at > r->bytes || bytes > r->bytes - at", "at > r->bytes"),
        ("!r || r->owner == owner", "true"),
        ("*out = r->memory + at;", "*out = r->memory;"),
    ],
}


def compiler_lines(build, path):
    """How BUILD compiles a file, once for each time it does."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        if entry["file"] == str(path):
            words = shlex.split(entry["command"])
            words = words[words.index("ccache") + 1 if "ccache" in words else 0:]
            yield [w for w in words[:words.index("-o")] if w != "-Werror"] + ["-w", "-I" + str(path.parent)]


def link_line(build, test):
    """How BUILD links a test, up to "-o"; and what follows the name of the program."""
    said = subprocess.run(["ninja", "-C", str(build), "-t", "commands", "-s", test], capture_output=True, text=True,
                          check=True).stdout
    words = [w for w in shlex.split(said.strip().splitlines()[-1]) if w not in (":", "&&")]
    at = words.index("-o")
    return words[:at], words[at + 2:]


def caught_by(build, links, path, old, new, tests):
    """The test that fails with this mutant; "" where none does, None where there is no such text."""
    text = path.read_text(encoding="utf-8")
    if text.count(old) < 1:
        return None
    with tempfile.TemporaryDirectory() as folder:
        mutant = pathlib.Path(folder) / path.name
        mutant.write_text(text.replace(old, new, 1), encoding="utf-8")
        objects = []
        for number, words in enumerate(compiler_lines(build, path)):
            objects.append(f"{folder}/{number}.o")
            subprocess.run([*words, "-O1", "-o", objects[-1], "-c", str(mutant)], check=True)
        for test in tests:
            before, after = links[test]
            program = f"{folder}/{test}"
            subprocess.run([*before, *objects, "-o", program, *after], cwd=build, check=True)
            try:
                done = subprocess.run([program], capture_output=True, timeout=60,
                                      env={**os.environ, "ASSAY_SOURCE": str(SOURCE)})
                if done.returncode != 0:
                    return test
            except subprocess.TimeoutExpired:
                return test
    return ""


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    jobs = [(SOURCE / NAIVE / name, old, new, KERNEL_TESTS) for name, pairs in KERNELS.items() for old, new in pairs]
    jobs += [(SOURCE / "host/model" / name, old, new, MODEL_TESTS) for name, pairs in MODEL.items() for old, new in pairs]
    jobs += [(SOURCE / name, old, new, (test,)) for (name, test), pairs in MORE.items() for old, new in pairs]
    links = {test: link_line(build, test) for test in KERNEL_TESTS + MODEL_TESTS + tuple(test for _, test in MORE)}
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(lambda j: caught_by(build, links, *j), jobs)
        for (path, old, new, _), test in zip(jobs, results):
            what = f"{path.relative_to(SOURCE)}: {old.split(chr(10))[0]!r} -> {new.split(chr(10))[0]!r}"
            if not test:
                bad += 1
                print(f"{'the text is gone' if test is None else 'SURVIVED'}: {what}", flush=True)
            elif "-v" in sys.argv:
                print(f"{test}: {what}", flush=True)
    print(f"mutations: {len(jobs) - bad} of {len(jobs)} caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
