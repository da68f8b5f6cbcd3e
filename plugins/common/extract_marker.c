/* extract_marker.c -- answers that are announced: "the answer is x", "Final Answer: x", "A: x", and
 * the same in other languages. SPDX-License-Identifier: Apache-2.0 */
#include "common/extract_parts.h"

/* ---- the marker ---- */

static const char *const verbs[] = { "is",  "are", "was", "be",       "equals",   "es",
                                     "ist", "est", "e",   "\xC3\xA8", "\xC3\xA9", NULL };
static const char *const auxiliaries[] = { "would",     "must", "will", "should", "can",
                                           "therefore", "thus", "then", NULL };
/* Written without a space after them: fullwidth colon, shi, wei (simplified, traditional), wa. */
static const char *const signs[] = {
    ":", "=", "\xEF\xBC\x9A", "\xE6\x98\xAF", "\xE4\xB8\xBA", "\xE7\x82\xBA", "\xE3\x81\xAF"
};

/* The word at s[i]; of a longer one than any we know, its beginning. */
static assay_str word_at(assay_str s, size_t i)
{
    enum { WORD_MAX = 32 };
    size_t end = i;
    while (end < s.len && end - i < WORD_MAX && pc_is_word(s.data[end]))
        end++;
    return pc_slice(s, i, end);
}

/* Past "is", "must be", ":" and the like at s[i]; PC_NONE: there is nothing of the kind. */
static size_t skip_verb(assay_str s, size_t i)
{
    assay_str rest = pc_from(s, i);
    for (size_t k = 0; k < sizeof signs / sizeof *signs; k++)
        if (pc_starts(rest, signs[k]))
            return i + strlen(signs[k]);
    assay_str word = word_at(s, i);
    for (int n = 0; n < 2 && pc_among(word, auxiliaries); n++) {
        i = pc_skip(s, i + word.len, " ");
        word = word_at(s, i);
    }
    return pc_among(word, verbs) ? i + word.len : PC_NONE;
}

/* " to the question", " for part (a)": the same sentence goes on with its verb. */
static size_t skip_object(assay_str s, size_t i)
{
    enum { OBJECT_MAX = 60 };
    static const char *const words[] = { "to", "for", "of", "in", NULL };
    size_t n = word_at(s, i).len;
    if (!pc_among(word_at(s, i), words))
        return i;
    for (size_t at = i + n; at < s.len && at - i < OBJECT_MAX; at++) {
        char c = s.data[at];
        if (c == '.' || c == '!' || c == '?' || c == '\n')
            break;
        if (c == ':')
            return at;
        assay_str rest = pc_from(s, at);
        if (c == ' ' && ((pc_starts(rest, " is") && word_at(s, at + 1).len == 2) ||
                         (pc_starts(rest, " are") && word_at(s, at + 1).len == 3)))
            return at + 1;
    }
    return i;
}

/* After "answer": a verb or a sign, with emphasis around; gives where the value starts. */
static size_t after_marker(assay_str s, size_t i)
{
    if (i < s.len && pc_lower(s.data[i]) == 's')
        i++;
    size_t bare = i;
    i = pc_skip(s, i, " *_");
    bool emphasised = pc_find(pc_slice(s, bare, i), "**", 0) != PC_NONE;
    size_t verb = skip_verb(s, i > bare ? skip_object(s, i) : i);
    if (verb == PC_NONE && !(emphasised && i < s.len && s.data[i] == '\n')) /* a heading */
        return PC_NONE;
    i = pc_skip(s, verb == PC_NONE ? i : verb, " *_:=\t");
    if (i < s.len && (s.data[i] == '\n' || s.data[i] == '\r'))
        i = pc_skip(s, i, " *_:\n\r");
    return i;
}

/* Words for "answer" by the part that is searched for: what may stand before it, and what after
 * (NULL: nothing has to). */
static const struct {
    const char *part, *before[4], *after[2];
} words[] = {
    { "nswer", { "a", "A" }, { NULL } },
    { "NSWER", { "A" }, { NULL } },
    { "orrect", { "c" }, { " option", " choice" } },
    { "\xC3\xA9ponse", { "r", "R" }, { NULL } },                    /* French */
    { "puesta", { "res", "Res" }, { NULL } },                       /* Spanish */
    { "wort", { "ant", "Ant" }, { NULL } },                         /* German */
    { "posta", { "ris", "res", "Ris", "Res" }, { NULL } },          /* Italian and Portuguese */
    { "\xE7\xAD\x94", { "" }, { "\xE6\xA1\x88", "\xE3\x81\x88" } }, /* Chinese and Japanese */
    { "\xD1\x82\xD0\xB2\xD0\xB5\xD1\x82", { "\xD0\xBE", "\xD0\x9E" }, { NULL } }, /* Russian */
};
enum { N_WORDS = sizeof words / sizeof *words };

/* The k-th word, whose part is at `at`: where it ends. PC_NONE: it is not the whole word. */
static size_t word_end(assay_str s, size_t k, size_t at)
{
    bool begins = false;
    for (size_t i = 0; i < 4 && words[k].before[i] && !begins; i++) {
        size_t n = strlen(words[k].before[i]);
        begins = at >= n && pc_is(pc_slice(s, at - n, at), words[k].before[i]);
    }
    size_t end = at + strlen(words[k].part);
    if (!begins || !words[k].after[0])
        return begins ? end : PC_NONE;
    for (size_t i = 0; i < 2 && words[k].after[i]; i++)
        if (pc_starts(pc_from(s, end), words[k].after[i]))
            return end + strlen(words[k].after[i]);
    return PC_NONE;
}

/* The last place where a value starts that the k-th word announces. */
static size_t last_of_word(assay_str s, size_t k)
{
    enum { MENTIONS_MAX = 2000 }; /* of the word without a value */
    int mentions = 0;
    for (size_t at = s.len; mentions < MENTIONS_MAX;) {
        at = pc_rfind(s, words[k].part, at);
        if (at == PC_NONE)
            break;
        size_t end = word_end(s, k, at);
        size_t value = end == PC_NONE ? PC_NONE : after_marker(s, end);
        if (value != PC_NONE)
            return value;
        mentions += end != PC_NONE;
    }
    return PC_NONE;
}

static size_t last_marker(assay_str s)
{
    size_t best = PC_NONE;
    for (size_t k = 0; k < N_WORDS; k++) {
        size_t at = last_of_word(s, k);
        if (at != PC_NONE && (best == PC_NONE || at > best))
            best = at;
    }
    return best;
}

/* ---- the value ---- */

size_t pc_sentence_end(assay_str s, size_t at)
{
    for (size_t i = at; i < s.len; i++) {
        char c = s.data[i];
        if (c == '\n')
            return i;
        bool stops = c == '.' || c == '!' || c == '?';
        if (stops && i > at &&
            (i + 1 >= s.len || pc_is_space(s.data[i + 1]) || s.data[i + 1] == '*'))
            return i;
        if (c == '\xE3' && pc_starts(pc_from(s, i), "\xE3\x80\x82")) /* ideographic full stop */
            return i;
    }
    return s.len;
}

/* Cuts off what only comments on the value: "5, which is prime", "42 because ...", "D, it ...". */
static assay_str without_comment(assay_str t)
{
    static const char *const comments[] = { "which", "because", "since", "as",  "not",    "non",
                                            "hence", "thus",    "it",    "car", "porque", NULL };
    bool letter = t.len > 2 && pc_is_alpha(t.data[0]) && pc_in(t.data[1], ",.) ");
    if (t.len == 0 || (pc_is_word(t.data[0]) && !letter))
        return t;
    for (size_t i = 1; i + 1 < t.len; i++)
        if (t.data[i] == ' ' && pc_among(word_at(t, i + 1), comments))
            return pc_strip_end(pc_slice(t, 0, i));
    return t;
}

/* Does the text read like a sentence: three words of three letters, the first thing a word? */
static bool is_sentence(assay_str t)
{
    int n = 0;
    if (word_at(t, 0).len < 3)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        size_t len = word_at(t, i).len;
        n += len >= 3;
        i += len;
    }
    return n >= 3;
}

/* In "The largest $n$ is 34": where the last "is" of a sentence ends, outside of math spans. */
static size_t after_is(assay_str t)
{
    size_t best = PC_NONE;
    pc_span x;
    for (size_t i = 0; i < t.len; i++) {
        if (pc_in(t.data[i], "$\\") && pc_span_at(t, i, &x)) {
            i = x.end - 1;
            continue;
        }
        assay_str word = t.data[i] == ' ' ? word_at(t, i + 1) : (assay_str){ "", 0 };
        if (pc_is(word, "is") || pc_is(word, "are") || pc_is(word, "equals"))
            best = i + 1 + word.len;
        else if (pc_starts(pc_from(t, i), " = "))
            best = i + 3;
    }
    return best != PC_NONE && !pc_is_blank(pc_from(t, best)) ? pc_skip(t, best, " *_:") : PC_NONE;
}

/* A span with what is joined to it; data NULL where the sentence goes on: "$n$ is 34", "$x$ = 5".
 */
static assay_str span_value(assay_str s, size_t at)
{
    pc_span a;
    size_t end;
    if (!pc_span_at(s, at, &a))
        return (assay_str){ NULL, 0 };
    assay_str list = pc_span_list(s, &a, &end);
    size_t i = pc_skip(s, end, " ");
    bool goes_on = (i < s.len && s.data[i] == '=') || pc_is(word_at(s, i), "is") ||
                   pc_is(word_at(s, i), "are");
    return goes_on ? (assay_str){ NULL, 0 } : list;
}

/* The math span right after a marker, with the spans joined to it; else the sentence, or what the
 * sentence says. */
static void marker_value(assay_str s, size_t at, pc_found *out)
{
    enum { SENTENCE_MAX = 1024 };
    out->text = span_value(s, at);
    if (out->text.data)
        return;
    assay_str t = pc_strip_end(pc_slice(s, at, pc_sentence_end(s, at)));
    out->text = without_comment(t);
    pc_span x;
    bool starts_span = t.len <= SENTENCE_MAX && pc_span_at(t, 0, &x);
    if (t.len > SENTENCE_MAX || (!starts_span && word_at(t, 0).len < 3))
        return;
    size_t is = after_is(t);
    if (is != PC_NONE) {
        assay_str value = span_value(t, is);
        out->text = value.data ? value : without_comment(pc_strip_end(pc_from(t, is)));
        out->from_prose = true;
        return;
    }
    pc_found inner;
    if (is_sentence(t) && pc_answer_in_prose(t, false, &inner)) {
        out->text = inner.text;
        out->from_prose = true;
    }
}

/* Past "therefore" and the like, which come between the verb and its value. */
static size_t skip_fillers(assay_str s, size_t at)
{
    static const char *const fillers[] = { "therefore", "thus",   "then",  "simply", "just",
                                           "exactly",   "indeed", "equal", "to",     "given",
                                           "by",        "hence",  NULL };
    for (;;) {
        at = pc_skip(s, at, " \t\"`*:");
        assay_str word = word_at(s, at);
        if (word.len == 0 || !pc_among(word, fillers))
            return at;
        at += word.len;
    }
}

static bool take_value(assay_str s, size_t at, pc_found *out)
{
    at = skip_fillers(s, at);
    marker_value(s, at, out);
    if (out->text.len == 0) {
        out->text.data = NULL;
        out->truncated = pc_is_blank(pc_from(s, at));
        out->why = "nothing follows the words that announce the answer";
        return out->truncated;
    }
    out->stage = PC_STAGE_MARKER;
    return true;
}

bool pc_find_marker(assay_str s, bool a_colon, pc_found *out)
{
    size_t at = last_marker(s);
    if (a_colon) {
        size_t line = pc_rfind(s, "\nA:", s.len);
        line = line != PC_NONE ? line + 1 : pc_starts(s, "A:") ? 0 : PC_NONE;
        if (line != PC_NONE && (at == PC_NONE || line + 2 > at))
            at = line + 2;
    }
    return at != PC_NONE && take_value(s, at, out);
}

bool pc_find_final(assay_str s, pc_found *out)
{
    static const char *const phrase[] = { "inal answer is", "inal Answer is" };
    size_t best = PC_NONE;
    for (int k = 0; k < 2; k++) {
        size_t at = pc_rfind(s, phrase[k], s.len);
        if (at != PC_NONE && (best == PC_NONE || at > best))
            best = at;
    }
    pc_found value = { .n_list = 1 };
    if (best == PC_NONE)
        return false;
    size_t at = pc_skip(s, best + strlen(phrase[0]), " *_:\n");
    if (!take_value(s, at, &value) || !value.text.data)
        return false;
    pc_found inner = { .why = NULL };
    if (pc_find_boxed(value.text, false, &inner)) { /* "The final answer is $\\boxed{5}$." */
        if (!inner.text.data)
            return false;
        value = inner;
    }
    *out = value;
    return true;
}
