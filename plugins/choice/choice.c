/* choice.c -- org.assay.choice: multiple choice. Finds the letter that was chosen; the article "A"
 * and the pronoun "I" are never one. SPDX-License-Identifier: Apache-2.0 */
#include "common/config.h"
#include "common/emit.h"
#include "common/extract.h"
#include "only.h"

typedef struct choice {
    assay_verifier base;
    char last; /* letters 'A'..last */
    pc_rules rules;
    char metrics[40];
} choice;

typedef struct pick {
    char letter; /* 0: none */
    bool many;   /* more than one was named */
    const char *rule;
} pick;

/* Wrappers that may stand around a letter: \text{(C)}, **C**, $C$, "C". */
static size_t skip_wrapping(assay_str s, size_t i)
{
    static const char *const words[] = {
        "\\text{",  "\\textbf{", "\\mathrm{", "\\mathbf{", "\\mbox{", "\\rm",    "\\bf",
        "\\boxed{", "\\left",    "\\(",       "\\[",       "{",       "(",       "[",
        "*",        "_",         "$",         "\"",        "'",       "`",       " ",
        "\t",       "\n",        "\r",        "option ",   "Option ", "choice ", "Choice "
    };
    for (size_t k = 0; k < sizeof words / sizeof *words;) {
        if (!pc_starts(pc_from(s, i), words[k])) {
            k++;
            continue;
        }
        i += strlen(words[k]);
        k = 0;
    }
    return i;
}

static bool is_word_byte(char c)
{
    return pc_is_alpha(c) || pc_is_digit(c) || c == '_' || c == '\'';
}

/* May the letter at s[i] be a choice, judged by what follows? `closed`: something already set it
 * apart. */
static bool stands_alone(assay_str s, size_t i, bool closed)
{
    if (i + 1 >= s.len)
        return true;
    char c = s.data[i + 1];
    if (is_word_byte(c) || (c == '-' && i + 2 < s.len && pc_is_alpha(s.data[i + 2])))
        return false;
    if ((c == '+' || c == '=' || c == '^') ||
        ((unsigned char)c == 0xCC)) /* a formula, a combining mark */
        return false;
    bool is_article = s.data[i] == 'A' || s.data[i] == 'I';
    if (!is_article || closed || !pc_is_space(c))
        return true;
    assay_str rest = pc_trim(pc_from(s, i + 1));
    bool joined = pc_starts(rest, "or ") || pc_starts(rest, "and "); /* "A or B" */
    return rest.len == 0 || !pc_is_alpha(rest.data[0]) || joined;    /* "A dog", "I think" */
}

static bool is_letter(const choice *v, char c)
{
    return c >= 'A' && c <= v->last;
}

/* The letter a value starts with, wrappers aside; *next: past it. */
static char letter_at(const choice *v, assay_str s, size_t at, size_t *next)
{
    size_t i = skip_wrapping(s, at);
    if (i >= s.len || !is_letter(v, s.data[i]))
        return 0;
    bool closed = i > at && pc_in(s.data[i - 1], "({[*\"'`") && i + 1 < s.len &&
                  pc_in(s.data[i + 1], ")}]*\"'`");
    if (!stands_alone(s, i, closed))
        return 0;
    *next = i + 1;
    return s.data[i];
}

/* Is another letter joined on: "A or B", "A, C", "A and D", "AB"? */
static bool names_more(const choice *v, assay_str s, size_t at, char first)
{
    size_t i = at;
    while (i < s.len && pc_in(s.data[i], " ,;/&*)}]$"))
        i++;
    assay_str rest = pc_from(s, i);
    bool joined = i > at && memchr(s.data + at, ',', i - at) != NULL;
    for (const char *const *w = (const char *const[]){ "and ", "or ", NULL }; *w; w++)
        if (pc_starts(rest, *w)) {
            joined = true;
            i += strlen(*w);
        }
    if (!joined && !(i > at && memchr(s.data + at, '/', i - at)))
        return false;
    size_t next;
    char second = letter_at(v, s, i, &next);
    return second && second != first;
}

static bool take(const choice *v, assay_str s, size_t at, const char *rule, pick *out)
{
    size_t next;
    char c = letter_at(v, s, at, &next);
    if (!c)
        return false;
    *out = (pick){ .letter = c, .many = names_more(v, s, next, c), .rule = rule };
    return true;
}

static bool pick_boxed(const choice *v, const pc_found *found, pick *out)
{
    assay_str part;
    pick one;
    bool any = false;
    for (size_t at = 0; pc_part_next(found, &at, &part);) {
        if (!take(v, part, 0, "boxed", &one))
            return false;
        if (any && one.letter != out->letter)
            one.many = true;
        *out = one;
        any = true;
    }
    return any;
}

static bool is_marker_before(assay_str s, size_t end)
{
    static const char *const words[] = {
        "is", "it's", "be", "choose", "pick", "select", "are", ":"
    };
    assay_str t = pc_trim(pc_slice(s, 0, end));
    while (t.len && pc_in(t.data[t.len - 1], "*_$(`\""))
        t = pc_trim(pc_slice(t, 0, t.len - 1));
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t n = strlen(words[k]);
        if (t.len >= n && pc_is_nocase(pc_from(t, t.len - n), words[k]) &&
            (t.len == n || !is_word_byte(t.data[t.len - n - 1]) || words[k][0] == ':'))
            return true;
    }
    return false;
}

static size_t skip_any(assay_str s, size_t i, const char *set)
{
    while (i < s.len && pc_in(s.data[i], set))
        i++;
    return i;
}

/* Past " is", ": " and the like at s[i]; i itself where nothing of the kind stands there. */
static size_t skip_marker(assay_str s, size_t i)
{
    static const char *const verbs[] = { "is", "est", "be", "are" };
    i = skip_any(s, i, " *_:=");
    for (size_t k = 0; k < sizeof verbs / sizeof *verbs; k++) {
        size_t end = i + strlen(verbs[k]);
        if (pc_starts(pc_from(s, i), verbs[k]) && (end >= s.len || !is_word_byte(s.data[end])))
            i = end;
    }
    return skip_any(s, i, " *_:\n");
}

/* Where the letter stands that follows the last `word` that one follows; PC_NONE: nowhere. */
static size_t last_marked(const choice *v, assay_str s, const char *word)
{
    /* without its first letter: "Answer" and "answer" alike */
    for (size_t end = s.len, at; (at = pc_rfind(s, word + 1, end)) != PC_NONE; end = at) {
        size_t past = at + strlen(word) - 1, i = skip_marker(s, past), next;
        if (i > past && letter_at(v, s, i, &next))
            return i;
    }
    return PC_NONE;
}

/* "answer is (C)", "Answer: C", "correct option is C": the last such place in the text. */
static bool pick_marked(const choice *v, assay_str s, pick *out)
{
    static const char *const words[] = { "answer", "option", "choice", "ponse" };
    size_t best = PC_NONE;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        size_t at = last_marked(v, s, words[k]);
        if (at != PC_NONE && (best == PC_NONE || at > best))
            best = at;
    }
    return best != PC_NONE && take(v, s, best, "marker", out);
}

static assay_str last_line(assay_str s)
{
    s = pc_trim(s);
    size_t nl = pc_rfind(s, "\n", s.len);
    return nl == PC_NONE ? s : pc_trim(pc_from(s, nl + 1));
}

/* The last line begins with "C.", "(C)", is "C", holds **C**, or ends with "... it's C". */
static bool pick_line(const choice *v, assay_str s, pick *out)
{
    assay_str line = last_line(s);
    size_t next, i = skip_wrapping(line, 0);
    if (letter_at(v, line, 0, &next)) {
        assay_str rest = pc_from(line, next);
        bool set_apart = rest.len == 0 || pc_in(rest.data[0], ".):*]},");
        if ((set_apart || i > 0) && (rest.len == 0 || rest.data[0] != ' '))
            return take(v, line, 0, "line", out);
    }
    size_t bold = pc_rfind(line, "**", line.len),
           open = bold == PC_NONE ? bold : pc_rfind(line, "**", bold);
    if (open != PC_NONE && take(v, pc_slice(line, open + 2, bold), 0, "bold", out))
        return true;
    size_t end = line.len;
    while (end > 0 && pc_in(line.data[end - 1], ".!)*_$`\"] "))
        end--;
    if (end == 0 || !is_letter(v, line.data[end - 1]) || !is_marker_before(line, end - 1) ||
        (end > 1 && is_word_byte(line.data[end - 2])))
        return false;
    *out = (pick){ .letter = line.data[end - 1], .rule = "line" };
    return true;
}

static void find_choice(const choice *v, assay_str completion, pick *out, const char **why)
{
    *out = (pick){ 0 };
    *why = "no letter was chosen";
    assay_str s = completion.data ? completion : (assay_str){ "", 0 };
    if (!pc_after_think(&s, v->rules.think)) {
        *why = "the thought never ends";
        return;
    }
    if (s.len > PC_EXTRACT_WINDOW)
        s = pc_from(s, s.len - PC_EXTRACT_WINDOW);
    pc_found found;
    pc_extract(&found, s, &v->rules);
    if (found.truncated) {
        *why = found.why;
        return;
    }
    if (found.text.data) { /* a box, a tag or #### has the last word */
        if (!pick_boxed(v, &found, out))
            *why = "what was announced as the answer is not a letter of a choice";
        else if (found.stage != PC_STAGE_BOXED)
            out->rule = pc_stage_name(found.stage);
        return;
    }
    if (pick_marked(v, s, out) || pick_line(v, s, out))
        return;
    char letter = choice_only(s, v->last);
    if (letter)
        *out = (pick){ .letter = letter, .rule = "only" };
}

/* "C", "(C)", "C. 42", "\text{C}", "(D) Alina"; a line of its own in a longer text. */
static char gold_letter(const choice *v, assay_str reference)
{
    size_t next;
    assay_str s = pc_gold(reference);
    char c = letter_at(v, s, 0, &next);
    if (!c && s.len == 1 && is_letter(v, pc_upper(s.data[0])))
        c = pc_upper(s.data[0]);
    if (!c)
        c = letter_at(v, last_line(s), 0, &next);
    return c;
}

static void emit_answer(const assay_call *call, uint32_t i, const pick *p)
{
    pc_emit(call, i, ASSAY_OUT_KEY, (assay_str){ &p->letter, 1 });
    pc_emit(call, i, ASSAY_OUT_ANSWER, (assay_str){ &p->letter, 1 });
}

static void score_one(const choice *v, const assay_call *call, const assay_batch *b,
                      assay_scores *out, uint32_t i)
{
    const char *why;
    pick p;
    find_choice(v, pc_col(b->completion, i), &p, &why);
    pc_emit_text(call, i, ASSAY_OUT_METRICS, v->metrics);
    if (!p.letter) {
        pc_set(call, out, i, ASSAY_NO_ANSWER, 0, NULL, why);
        return;
    }
    if (p.many) {
        pc_set(call, out, i, ASSAY_FAIL, 0, p.rule, "more than one choice is named");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_ANSWER))
        emit_answer(call, i, &p);
    char gold = gold_letter(v, pc_col(b->reference, i));
    if (!gold) {
        pc_set(call, out, i, ASSAY_ABSTAIN, 0, NULL,
               "the reference is not a letter of the choices");
        return;
    }
    if (pc_wants(call, ASSAY_WANT_EXPLAIN)) {
        pc_buf text = { 0 };
        pc_buf_fmt(&text, "chose %c (by %s), the reference is %c", p.letter, p.rule, gold);
        pc_emit(call, i, ASSAY_OUT_EXPLAIN, pc_buf_str(&text));
        pc_buf_fini(&text);
    }
    bool right = p.letter == gold;
    pc_set(call, out, i, right ? ASSAY_PASS : ASSAY_FAIL, right ? 1 : 0, p.rule,
           right ? NULL : "another choice");
}

static assay_status score(assay_verifier *base, const assay_call *call, const assay_batch *b,
                          assay_scores *out, assay_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i % 16 == 0 && pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        score_one(base->data, call, b, out, i);
    }
    return ASSAY_OK;
}

static assay_status extract(assay_verifier *base, const assay_call *call, const assay_batch *b,
                            assay_error *err)
{
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i % 16 == 0 && pc_cancelled(call))
            return ASSAY_E_CANCELLED;
        const char *why;
        pick p;
        find_choice(base->data, pc_col(b->completion, i), &p, &why);
        if (p.letter && !p.many)
            emit_answer(call, i, &p);
        if (pc_memory_was_lost())
            return ASSAY_E_NOMEM;
    }
    return ASSAY_OK;
}

static const assay_ext_answer answer = { .size = sizeof answer, .extract = extract };

static const void *extension(const assay_verifier *base, const char *id)
{
    (void)base;
    return strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void destroy(assay_verifier *base)
{
    pc_free(base->data);
}

static bool read_choices(choice *v, pc_config *c)
{
    const char *text = pc_config_str(c, "choices", "ABCD");
    size_t n = strlen(text);
    bool ok = n >= 2 && n <= 10;
    for (size_t i = 0; ok && i < n; i++)
        ok = text[i] == (char)('A' + i);
    if (!ok) {
        pc_config_fail(
            c, "config key \"choices\" must be letters from A on, 2 to 10 of them: \"ABCD\"");
        return false;
    }
    v->last = (char)('A' + n - 1);
    pc_buf b = { 0 };
    pc_buf_fmt(&b, "{\"chance\":%.6g}", 1.0 / (double)n);
    if (b.data && b.len < sizeof v->metrics)
        memcpy(v->metrics, b.data, b.len + 1);
    pc_buf_fini(&b);
    return true;
}

static assay_status create(const assay_descriptor *d, const assay_host *host, assay_str config,
                           assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    choice *v = pc_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    v->base = (assay_verifier){ .size = sizeof v->base,
                                .data = v,
                                .destroy = destroy,
                                .score = score,
                                .extension = extension };
    v->rules =
        (pc_rules){ .stages = 1u << PC_STAGE_TAG | 1u << PC_STAGE_BOXED | 1u << PC_STAGE_HASHES };
    pc_config c;
    assay_status rc = pc_config_open(&c, config, err);
    if (rc == ASSAY_OK) {
        read_choices(v, &c);
        rc = pc_config_close(&c);
    }
    if (rc) {
        pc_free(v);
        return rc;
    }
    *out = &v->base;
    return ASSAY_OK;
}

static const char *const tags[] = { "choice", "answer", NULL };
static const assay_descriptor descriptor = {
    .size = sizeof descriptor,
    .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT | ASSAY_F_NEEDS_REFERENCE,
    .id = "org.assay.choice",
    .name = "Multiple choice",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "the letter that was chosen",
    .url = "",
    .tags = tags,
    .config_schema =
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"choices\":{\"type\":\"string\",\"default\":\"ABCD\",\"description\":\"A to J\"}}}",
    .revision = 2,
    .cost_us = 2,
    .score_min = 0,
    .score_max = 1,
    .create = create,
};
static const assay_descriptor *const verifiers[] = { &descriptor, NULL };
ASSAY_EXPORT const assay_entry assay_plugin_entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                                                      sizeof(assay_entry), verifiers };
