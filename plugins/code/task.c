/* task.c -- references as people write them: own keys, HumanEval's, MBPP's, verl's, code_contests'.
 * SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include "json.h"
#include "literal.h"

void cd_task_fini(cd_task *t)
{
    cd_pool_fini(&t->pool);
    *t = (cd_task){ .why = "there is no task" };
}

uint32_t cd_task_tests(const cd_task *t)
{
    return t->kind == CD_ASSERTS ? t->n_assertions : t->kind == CD_CHECK ? 1 : t->n;
}

static void bad(cd_task *t, const char *why)
{
    if (!t->why)
        t->why = why;
}

/* ---- members ---- */

enum { MEMBERS = 64 };
typedef struct members { /* found once: a reference may be megabytes long */
    assay_str key[MEMBERS], value[MEMBERS];
    uint32_t n;
} members;

static void read_members(members *m, assay_str object)
{
    cd_json it = cd_json_open(object);
    m->n = 0;
    while (m->n < MEMBERS && cd_json_next(&it, &m->key[m->n], &m->value[m->n]))
        m->n++;
}

/* null is as good as absent. */
static assay_str get(const members *m, const char *key)
{
    for (uint32_t i = m->n; i-- > 0;)
        if (cd_json_is(m->key[i], key) && !pc_is(m->value[i], "null"))
            return m->value[i];
    return (assay_str){ NULL, 0 };
}

static assay_str first_of(const members *m, const char *const *keys)
{
    assay_str found = { NULL, 0 };
    for (; *keys && !found.data; keys++)
        found = get(m, *keys);
    return found;
}

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A string's text, for programs: no NUL, since what is behind it would not be run. */
static assay_str text_of(cd_task *t, assay_str raw)
{
    pc_buf b = { 0 };
    assay_str text = { NULL, 0 };
    if (cd_json_kind(raw) == '"' && cd_json_string(&b, raw))
        text = cd_take_buf(&t->pool, &b);
    pc_buf_fini(&b);
    return text;
}

static assay_str program_text(cd_task *t, const members *o, const char *const *keys)
{
    assay_str raw = first_of(o, keys);
    if (!raw.data)
        return (assay_str){ NULL, 0 };
    assay_str text = text_of(t, raw);
    if (!text.data)
        bad(t, "a program in the reference is not a string");
    return text;
}

static double number_of(cd_task *t, const members *o, const char *key, double standard, double most)
{
    assay_str raw = get(o, key);
    if (!raw.data)
        return standard;
    double d = cd_json_kind(raw) ? -1 : cd_strtod(raw.data, NULL);
    if (!(d >= 0 && d <= most))
        bad(t, "a number in the reference is out of range");
    return d >= 0 && d <= most ? d : standard;
}

static int word_of(cd_task *t, const members *o, const char *key, const char *const *words,
                   int standard)
{
    assay_str raw = get(o, key);
    for (int i = 0; raw.data && words[i]; i++)
        if (cd_json_is(raw, words[i]))
            return i;
    if (raw.data)
        bad(t, "a word in the reference is not one of those it may be (compare, oracle)");
    return standard;
}

/* Which there are is the sandbox's to say: people add theirs. */
static void read_language(cd_task *t, const members *o)
{
    enum { LONGEST = 40 };
    assay_str raw = get(o, "language"), name = raw.data ? text_of(t, raw) : PC_LIT("python");
    bool fits = name.data && name.len && name.len <= LONGEST && !pc_is(name, "exec") &&
                strspn(name.data, "abcdefghijklmnopqrstuvwxyz0123456789+#-._") == name.len;
    if (!fits)
        bad(t, "\"language\" is no name of one (python, c, cpp, or as its description says)");
    t->language = !fits ? "python" : pc_is(name, "c++") ? "cpp" : name.data;
}

static void read_settings(cd_task *t, const members *o)
{
    static const char *const compares[] = { "exact", "tokens", "float", "decimal", NULL };
    static const char *const oracles[] = { "equal", "set", "not_none", "any", "root", NULL };
    read_language(t, o);
    t->compare =
        (cd_compare)word_of(t, o, "compare", compares, t->kind == CD_STDIO ? CD_TOKENS : CD_EXACT);
    if (t->compare == CD_DECIMAL && t->kind != CD_STDIO)
        bad(t, "compare decimal is for outputs (calls: exact, float)");
    t->oracle = (cd_oracle)word_of(t, o, "oracle", oracles, CD_EQUAL);
    bool near = t->compare == CD_FLOAT;
    t->tolerance.absolute = number_of(t, o, "atol", near ? 1e-6 : 0, 1e300);
    t->tolerance.relative = number_of(t, o, "rtol", near ? 1e-6 : 0, 1);
    t->cpu_ms = (uint32_t)number_of(t, o, "cpu_ms", 0, 600000);
    t->mem_mib = (uint32_t)number_of(t, o, "mem_mib", 0, 65536);
    t->setup = program_text(t, o, KEYS("setup", "test_setup_code"));
    t->prefix = program_text(t, o, KEYS("prefix", "prompt"));
    t->solution = program_text(t, o, KEYS("reference_solution"));
}

/* What it returns decides; that it can be called at all is looked at here. */
static void read_checker(cd_task *t, cd_python *py, const members *o)
{
    cd_code c;
    t->checker = program_text(t, o, KEYS("checker"));
    if (!t->checker.data || !cd_code_parse(py, t->checker, &c))
        return;
    if (t->kind != CD_STDIO)
        bad(t, "a checker is for programs that read stdin and write stdout");
    else if (c.tree && c.broken)
        bad(t, "the checker is no Python");
    else if (c.tree && !cd_defines(&c, PC_LIT("check")))
        bad(t, "the checker defines no check(input, output, expected)");
    cd_code_fini(&c);
}

static void read_entry(cd_task *t, const members *o)
{
    assay_str raw = first_of(o, KEYS("entry_point", "fn_name"));
    assay_str text = raw.data ? text_of(t, raw) : (assay_str){ NULL, 0 };
    unsigned dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool fits = pc_is_alpha(c) || c == '_' || (unsigned char)c >= 0x80 || (i && pc_is_digit(c));
        dots += c == '.';
        if (!fits && !(c == '.' && i && i + 1 < text.len && dots == 1))
            bad(t, "the entry point is not a name");
    }
    if (raw.data && (!text.len || text.len > 200))
        bad(t, "the entry point is not a name");
    t->entry = text.data;
}

/* ---- values ---- */

static bool allocate(cd_task *t, uint32_t n)
{
    if (n > CD_TESTS_MAX) {
        bad(t, "more than 100,000 tests");
        return false;
    }
    t->n = n;
    t->input = cd_alloc(&t->pool, n + 1u, sizeof *t->input);
    t->want = cd_alloc(&t->pool, n + 1u, sizeof *t->want);
    return t->input && t->want;
}

typedef enum form { FORM_JSON, FORM_PYTHON, FORM_LINES } form;

/* One value: JSON as it is; "python": a string that holds a literal. */
static bool put_value(cd_task *t, pc_buf *out, assay_str raw, form how)
{
    pc_buf text = { 0 };
    bool ok = how == FORM_PYTHON ? cd_json_kind(raw) == '"' && cd_json_string(&text, raw) &&
                                       !text.failed && cd_read_python(out, pc_buf_str(&text))
                                 : cd_read_json(out, raw);
    if (!ok && !pc_memory_is_lost())
        bad(t, how == FORM_PYTHON ? "an input or output is not a literal of Python"
                                  : "an input or output is not JSON");
    pc_buf_fini(&text);
    return ok;
}

static assay_str value_of(cd_task *t, assay_str raw, form how)
{
    pc_buf b = { 0 };
    assay_str v = put_value(t, &b, raw, how) ? cd_take_buf(&t->pool, &b) : (assay_str){ NULL, 0 };
    pc_buf_fini(&b);
    return v;
}

/* "[1, 2]\n3" as APPS and verl write arguments: one JSON value per line. */
static assay_str args_of_lines(cd_task *t, assay_str raw)
{
    pc_buf text = { 0 }, b = { 0 };
    size_t open = cd_put_open(&b, '('), n = 0;
    bool ok = cd_json_string(&text, raw);
    assay_str rest = pc_trim(pc_buf_str(&text));
    while (ok && rest.len) {
        size_t nl = pc_find(rest, "\n", 0);
        assay_str line = pc_trim(nl == PC_NONE ? rest : pc_slice(rest, 0, nl));
        ok = cd_read_json(&b, line);
        rest = nl == PC_NONE ? PC_LIT("") : pc_from(rest, nl + 1);
        n++;
    }
    cd_put_count(&b, open, n);
    if (!ok)
        bad(t, "an input is not one JSON value per line");
    assay_str v = ok ? cd_take_buf(&t->pool, &b) : (assay_str){ NULL, 0 };
    pc_buf_fini(&text);
    pc_buf_fini(&b);
    return v;
}

/* The argument list as a tuple, whatever it was written as. */
static assay_str args_of(cd_task *t, assay_str raw, form how)
{
    if (how == FORM_LINES && cd_json_kind(raw) == '"')
        return args_of_lines(t, raw);
    pc_buf b = { 0 };
    assay_str v = { NULL, 0 };
    bool ok = put_value(t, &b, raw, how == FORM_LINES ? FORM_JSON : how) && !b.failed;
    if (ok && !pc_in(b.data[0], "[("))
        bad(t, "an input is not a list of arguments");
    else if (ok) {
        b.data[0] = '(';
        v = cd_take_buf(&t->pool, &b);
    }
    pc_buf_fini(&b);
    return v;
}

/* verl keeps outputs as JSON, or as JSON inside a string; a string that is no JSON is itself. */
static assay_str want_of(cd_task *t, assay_str raw, form how)
{
    if (how != FORM_LINES)
        return value_of(t, raw, how);
    if (cd_json_kind(raw) == '"') {
        pc_buf b = { 0 }, text = { 0 };
        bool ok = cd_json_string(&text, raw) && cd_read_json(&b, pc_trim(pc_buf_str(&text)));
        assay_str v = ok ? cd_take_buf(&t->pool, &b) : (assay_str){ NULL, 0 };
        pc_buf_fini(&b);
        pc_buf_fini(&text);
        if (v.data)
            return v;
    }
    return value_of(t, raw, FORM_JSON);
}

static void read_calls(cd_task *t, assay_str inputs, assay_str outputs, assay_str also, form how)
{
    assay_str raw;
    cd_json it = cd_json_open(inputs);
    if (!t->entry)
        bad(t, "calls need an entry_point");
    if (!allocate(t, cd_json_count(inputs)))
        return;
    for (uint32_t i = 0; i < t->n && !t->why && cd_json_next(&it, NULL, &raw); i++)
        t->input[i] = args_of(t, raw, how);
    it = cd_json_open(outputs);
    for (uint32_t i = 0; outputs.data && i < t->n && !t->why && cd_json_next(&it, NULL, &raw); i++)
        t->want[i] = want_of(t, raw, how);
    if (!also.data)
        return;
    t->also = cd_alloc(&t->pool, t->n + 1u, sizeof *t->also);
    it = cd_json_open(also);
    for (uint32_t i = 0; t->also && i < t->n && !t->why && cd_json_next(&it, NULL, &raw); i++)
        t->also[i] = value_of(t, raw, how);
}

static void read_stdio(cd_task *t, assay_str inputs, assay_str outputs)
{
    assay_str raw;
    cd_json it = cd_json_open(inputs);
    if (!allocate(t, cd_json_count(inputs)))
        return;
    for (uint32_t i = 0; i < t->n && cd_json_next(&it, NULL, &raw); i++) {
        t->input[i] = text_of(t, raw);
        if (!t->input[i].data)
            bad(t, "an input is not a string");
    }
    it = cd_json_open(outputs);
    for (uint32_t i = 0; outputs.data && i < t->n && cd_json_next(&it, NULL, &raw); i++) {
        t->want[i] = text_of(t, raw);
        if (!t->want[i].data)
            bad(t, "an output is not a string");
    }
}

/* [{"input": {"stdin": "..."}, "output": {"stdout": "..."}}], or with the strings as they are. */
static void read_cases(cd_task *t, assay_str cases)
{
    assay_str raw;
    cd_json it = cd_json_open(cases);
    if (!allocate(t, cd_json_count(cases)))
        return;
    for (uint32_t i = 0; i < t->n && cd_json_next(&it, NULL, &raw); i++) {
        assay_str in = cd_json_get(raw, "input"), out = cd_json_get(raw, "output");
        in = cd_json_kind(in) == '{' ? cd_json_get(in, "stdin") : in;
        out = cd_json_kind(out) == '{' ? cd_json_get(out, "stdout") : out;
        t->input[i] = text_of(t, in);
        t->want[i] = text_of(t, out);
        if (!t->input[i].data || !t->want[i].data)
            bad(t, "a test has no input and output");
    }
    t->has_wants = true;
}

static void read_statements(cd_task *t, cd_python *py, assay_str list)
{
    uint32_t n = cd_json_count(list), i = 0;
    assay_str *texts = cd_alloc(&t->pool, n + 1u, sizeof *texts), raw;
    cd_json it = cd_json_open(list);
    if (n > CD_TESTS_MAX)
        bad(t, "more than 100,000 tests");
    for (; texts && !t->why && i < n && cd_json_next(&it, NULL, &raw); i++) {
        texts[i] = text_of(t, raw);
        if (!texts[i].data)
            bad(t, "an assertion is not a string");
    }
    if (texts && !t->why)
        cd_read_asserts(t, py, texts, n);
}

/* ---- which of them it is ---- */

static bool all_strings(assay_str list)
{
    assay_str raw;
    cd_json it = cd_json_open(list);
    while (cd_json_next(&it, NULL, &raw))
        if (cd_json_kind(raw) != '"')
            return false;
    return true;
}

static form form_of(cd_task *t, const members *o)
{
    static const char *const forms[] = { "json", "python", NULL };
    if (word_of(t, o, "format", forms, 0) == 1)
        return FORM_PYTHON;
    bool lines = get(o, "fn_name").data && all_strings(get(o, "inputs"));
    return lines ? FORM_LINES : FORM_JSON;
}

static void read_pairs(cd_task *t, const members *o, assay_str inputs, assay_str outputs)
{
    if (cd_json_kind(inputs) != '[' || (outputs.data && cd_json_kind(outputs) != '['))
        bad(t, "inputs and outputs are not lists");
    else if (outputs.data && cd_json_count(inputs) != cd_json_count(outputs))
        bad(t, "there are not as many outputs as inputs");
    t->has_wants = outputs.data != NULL;
    bool text = get(o, "stdin").data || (!t->entry && all_strings(inputs));
    t->kind = text ? CD_STDIO : CD_CALLS;
    read_settings(t, o);
    if (t->why)
        return;
    if (text) {
        read_stdio(t, inputs, outputs);
        return;
    }
    form how = form_of(t, o);
    t->tolerance.list_is_tuple = how != FORM_PYTHON; /* JSON has no tuples */
    read_calls(t, inputs, outputs, get(o, "also"), how);
}

static void read_kind(cd_task *t, cd_python *py, const members *o)
{
    assay_str inputs = first_of(o, KEYS("inputs", "calls", "stdin"));
    assay_str outputs = first_of(o, KEYS("outputs", "expected", "stdout"));
    assay_str asserts = first_of(o, KEYS("asserts", "assert_case", "test_list"));
    assay_str check = first_of(o, KEYS("check", "test"));
    t->has_wants = true;
    if (asserts.data) {
        t->kind = CD_ASSERTS;
        read_settings(t, o);
        read_statements(t, py, asserts);
    } else if (inputs.data) {
        read_pairs(t, o, inputs, outputs);
    } else if (cd_json_kind(check) == '[') {
        t->kind = CD_STDIO;
        read_settings(t, o);
        read_cases(t, check);
    } else if (check.data) {
        t->kind = CD_CHECK;
        read_settings(t, o);
        t->check = program_text(t, o, KEYS("check", "test"));
        if (!t->entry)
            bad(t, "a check function needs an entry_point");
        if (!t->why)
            cd_read_check(t, py, t->check);
    } else {
        bad(t, "the reference names no tests (asserts, inputs, check, stdin)");
    }
}

void cd_task_read(cd_task *t, cd_python *py, assay_str json)
{
    *t = (cd_task){ .language = "python" };
    if (!cd_json_valid(json) || cd_json_kind(pc_trim(json)) != '{') {
        bad(t, "the reference is not a JSON object");
        return;
    }
    members m;
    read_members(&m, pc_trim(json));
    read_entry(t, &m);
    if (!t->why)
        read_kind(t, py, &m);
    if (!t->why)
        read_checker(t, py, &m);
    if (!t->why && !cd_task_tests(t))
        bad(t, "the reference has no tests");
    if (!t->why && strcmp(t->language, "python") != 0 && t->kind != CD_STDIO)
        bad(t, "a language other than Python is tested through stdin and stdout only");
}
