/* extract.c -- see extract.h. SPDX-License-Identifier: Apache-2.0 */
#include "extract.h"

#include "common/extract.h"

/* Tokens that are looked into: of one program, and of all that is tried in a completion. Garbage
 * takes the parser time that is quadratic in them. */
enum { PROGRAM_WEIGHT = 10000, TEXT_WEIGHT = 30000 };

typedef struct candidate {
    const cd_block *block; /* NULL: the text outside blocks */
    cd_code code;
    bool is_marked; /* as the task's language */
    bool defines;   /* the entry point; of a script: it looks like one */
} candidate;

typedef struct extraction {
    const cd_task *task;
    cd_python *py;
    cd_pool *pool;
    cd_program *out;
    assay_str entry; /* what has to be defined: the task's entry up to a dot; data NULL: a script is
                        wanted */
    bool is_python, is_lost;
    bool has_main; /* C and C++: a program is known by it */
    size_t weight; /* of what was parsed */
    candidate *at;
    uint32_t n;
    assay_str imports; /* of the prefix */
} extraction;

static bool parse(extraction *x, assay_str text, cd_code *out)
{
    size_t weight = cd_code_weight(text);
    if (weight > PROGRAM_WEIGHT || weight > TEXT_WEIGHT - x->weight) {
        *out = (cd_code){ .text = text, .broken = true };
        return true;
    }
    x->weight += weight;
    return cd_code_parse(x->py, text, out);
}

/* The first of the last blocks that can all be looked into. */
static uint32_t first_in_sight(const cd_block *blocks, uint32_t n)
{
    size_t sum = 0;
    while (n > 0) {
        size_t weight = blocks[n - 1].body.data ? cd_code_weight(blocks[n - 1].body) : 0;
        sum += weight > PROGRAM_WEIGHT ? 0 : weight; /* what is not parsed takes no time */
        if (sum > TEXT_WEIGHT)
            break;
        n--;
    }
    return n;
}

/* ---- what a block is ---- */

static bool is_among(assay_str mark, const char *const *words)
{
    for (; *words; words++)
        if (pc_is_nocase(mark, *words))
            return true;
    return false;
}

static bool is_marked_as(assay_str mark, const char *language)
{
    static const char *const python[] = {
        "python", "py", "python3", "py3", "python2", "sage", NULL
    };
    static const char *const c[] = { "c", "c99", "c11", "c17", NULL };
    static const char *const cpp[] = { "cpp", "c++", "cc", "cxx", "c++17", "c++20", NULL };
    const char *const other[] = { language, NULL };
    return is_among(mark, strcmp(language, "python") == 0 ? python
                          : strcmp(language, "c") == 0    ? c
                          : strcmp(language, "cpp") == 0  ? cpp
                                                          : other);
}

/* Marked as nothing, or as code in general. */
static bool is_unmarked(assay_str mark)
{
    static const char *const words[] = { "", "code", "solution", "program", "answer", NULL };
    return is_among(mark, words);
}

/* The method's name alone, of a class Solution: LeetCode's way. */
static bool has_solution_method(const extraction *x, const cd_code *c)
{
    return x->task->entry && !strchr(x->task->entry, '.') &&
           cd_has_method(c, PC_LIT("Solution"), x->entry);
}

static bool reads_input(const cd_code *c)
{
    return c->tree &&
           (cd_names(c, c->root, PC_LIT("input")) || pc_find(c->text, "stdin", 0) != PC_NONE ||
            pc_find(c->text, "open(0", 0) != PC_NONE);
}

static bool fits(const extraction *x, const cd_code *c)
{
    if (!x->is_python)
        return !x->has_main || pc_find(c->text, "main", 0) != PC_NONE;
    if (!x->entry.data)
        return reads_input(c);
    return cd_defines(c, x->entry) || has_solution_method(x, c);
}

static void add_candidate(extraction *x, const cd_block *block)
{
    candidate *k = &x->at[x->n];
    *k = (candidate){ .block = block, .is_marked = is_marked_as(block->mark, x->task->language) };
    if (!block->is_closed || !block->body.data || pc_is_blank(block->body) ||
        (!k->is_marked && !is_unmarked(block->mark)))
        return;
    k->code = (cd_code){ .text = block->body };
    if (x->is_python && !parse(x, block->body, &k->code))
        x->is_lost = true;
    k->defines = fits(x, &k->code);
    x->n++;
}

/* The best kind that there is, and of it the last. */
static candidate *choose(const extraction *x)
{
    candidate *best = NULL;
    unsigned best_worth = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        candidate *k = &x->at[i];
        unsigned worth =
            (k->defines ? 8u : 0u) + (k->code.broken ? 0u : 4u) + (k->is_marked ? 2u : 0u) + 1u;
        if (worth >= best_worth) {
            best = k;
            best_worth = worth;
        }
    }
    return best;
}

/* ---- what it needs of the others ---- */

static void put_line(pc_buf *b, assay_str text)
{
    pc_buf_add(b, text.data, text.len);
    pc_buf_byte(b, '\n');
}

static void put_imports(pc_buf *b, const cd_code *c)
{
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        if (cd_statement_kind(s) == CD_IMPORT && !ts_node_has_error(s))
            put_line(b, cd_node_text(c, s));
    }
}

typedef struct need {
    const cd_code *from, *chosen;
    bool yes;
} need;

static bool is_no_need(void *ctx, assay_str name)
{
    need *q = ctx;
    q->yes = cd_defines(q->from, name) && !cd_defines(q->chosen, name);
    return !q->yes;
}

/* A definition, or a constant: an assignment that calls nothing. */
static bool is_helper(TSNode s)
{
    TSNode e = cd_first_child(s);
    return cd_statement_kind(s) == CD_DEFINITION ||
           (cd_node_is(s, "expression_statement") && cd_node_is(e, "assignment") &&
            !cd_contains(e, "call"));
}

static bool is_not_there(void *ctx, assay_str name)
{
    need *q = ctx;
    q->yes = cd_defines(q->chosen, name);
    return !q->yes;
}

/* Does the chosen block bind anything of what this statement binds? Then its own counts. */
static bool is_replaced(const need *q, TSNode s)
{
    need again = { .chosen = q->chosen };
    cd_each_bound(q->from, s, is_not_there, &again);
    return again.yes;
}

/* The definitions of an earlier block, where the chosen one names any that it does not make itself.
 */
static void put_needed(pc_buf *b, const candidate *from, const candidate *chosen)
{
    const cd_code *c = &from->code;
    need q = { .from = c, .chosen = &chosen->code };
    if (c->tree)
        cd_each_name(&chosen->code, chosen->code.root, is_no_need, &q);
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (q.yes && cd_next_child(&it, &s))
        if (is_helper(s) && !is_replaced(&q, s))
            put_line(b, cd_node_text(c, s));
}

static bool has_future(const cd_code *c)
{
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s))
        if (cd_statement_kind(s) == CD_FUTURE)
            return true;
    return false;
}

/* Imports and helpers in front, where there are any; line numbers do not matter to anybody. */
static assay_str assemble(const extraction *x, const candidate *chosen)
{
    pc_buf b = { 0 };
    if (x->imports.data && !has_future(&chosen->code))
        put_line(&b, x->imports);
    for (uint32_t i = 0; i < x->n && &x->at[i] != chosen && !has_future(&chosen->code); i++)
        if (chosen->code.tree && !x->at[i].code.broken && !has_future(&x->at[i].code))
            put_imports(&b, &x->at[i].code);
    for (uint32_t i = 0; i < x->n && &x->at[i] != chosen && !has_future(&chosen->code); i++)
        if (chosen->code.tree && !x->at[i].code.broken)
            put_needed(&b, &x->at[i], chosen);
    put_line(&b, chosen->code.text);
    assay_str s = cd_take_buf(x->pool, &b);
    pc_buf_fini(&b);
    return s;
}

/* ---- text without blocks ---- */

/* Does anything in it do something? "Hello" is a program, too, of one name. */
static bool does_something(const cd_code *c)
{
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        TSNode e = cd_first_child(s);
        if (!cd_node_is(s, "comment") &&
            (!cd_node_is(s, "expression_statement") || cd_node_is(e, "assignment") ||
             cd_node_is(e, "call") || cd_node_is(e, "augmented_assignment")))
            return true;
    }
    return false;
}

static bool is_answer(const extraction *x, const cd_code *c)
{
    if (!x->is_python)
        return x->has_main && pc_find(c->text, "main", 0) != PC_NONE &&
               pc_find(c->text, "{", 0) != PC_NONE;
    if (c->broken)
        return false;
    return x->entry.data ? cd_defines(c, x->entry) || has_solution_method(x, c) : does_something(c);
}

static void take_program(extraction *x, const candidate *k, const char *rule)
{
    x->out->source = assemble(x, k);
    x->out->rule = rule;
    if (x->is_python && x->entry.data && !cd_defines(&k->code, x->entry) &&
        has_solution_method(x, &k->code)) {
        assay_str name = cd_join(x->pool, PC_LIT("Solution."), x->entry);
        x->out->entry = name.data ? name.data : x->task->entry;
    }
}

static bool try_text(extraction *x, assay_str text, const char *rule)
{
    cd_code c = { .text = text };
    if (x->is_python && !parse(x, text, &c)) {
        x->is_lost = true;
        return false;
    }
    bool ok = is_answer(x, &c);
    if (ok) {
        const candidate k = { .code = c };
        take_program(x, &k, rule);
    }
    cd_code_fini(&c);
    return ok;
}

static bool begins_program(assay_str line)
{
    static const char *const words[] = { "def ", "class ", "import ", "from ", "@", "async def " };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (pc_starts(line, words[i]))
            return true;
    return false;
}

/* Past the last whole statement before the first that is none. A bare expression at the end is
 * prose: "Done." */
static size_t sound_end(const cd_code *c)
{
    size_t end = 0;
    TSNode s;
    CD_CHILDREN(it, c->root);
    while (cd_next_child(&it, &s)) {
        if (ts_node_has_error(s) || cd_node_is(s, "ERROR"))
            break;
        if (!cd_node_is(s, "expression_statement"))
            end = ts_node_end_byte(s);
    }
    return end;
}

/* How much of `text`, from its beginning, is whole statements. */
static assay_str sound_part(extraction *x, assay_str text)
{
    cd_code c;
    size_t end;
    if (!parse(x, text, &c)) {
        x->is_lost = true;
        return (assay_str){ text.data, 0 };
    }
    end = sound_end(&c);
    cd_code_fini(&c);
    return pc_slice(text, 0, end);
}

/* Prose, the program, prose: from the first line that can begin one as far as it is sound. */
static bool try_inside(extraction *x, assay_str text)
{
    for (size_t at = 0; x->is_python && x->entry.data && at < text.len;) {
        const char *nl = memchr(text.data + at, '\n', text.len - at);
        size_t next = nl ? (size_t)(nl - text.data) + 1 : text.len;
        if (begins_program(pc_from(text, at)))
            return try_text(x, sound_part(x, pc_from(text, at)), "text");
        at = next;
    }
    return false;
}

/* A completion in the old sense: the prompt goes on. */
static bool try_prefix(extraction *x, assay_str text)
{
    if (!x->task->prefix.data || !x->is_python)
        return false;
    assay_str whole = cd_join(x->pool, x->task->prefix, text);
    if (!whole.data)
        return false;
    x->imports = (assay_str){ NULL, 0 };
    return try_text(x, whole, "prefix");
}

static void take_text(extraction *x, assay_str text)
{
    bool indented = text.len && pc_in(text.data[0], " \t");
    if (indented && try_prefix(x, text))
        return;
    if (try_text(x, text, "text") || try_inside(x, text))
        return;
    if (!indented && try_prefix(x, text))
        return;
    x->out->why = pc_is_blank(text) ? "the completion is blank" : "there is no code in the text";
}

/* ---- together ---- */

/* The prompt's imports: what a model was shown it may take for given. */
static void read_prefix(extraction *x)
{
    cd_code c;
    pc_buf b = { 0 };
    if (!x->task->prefix.data || !x->is_python || !cd_code_parse(x->py, x->task->prefix, &c))
        return;
    put_imports(&b, &c);
    if (b.len)
        x->imports = cd_take_buf(x->pool, &b);
    pc_buf_fini(&b);
    cd_code_fini(&c);
}

void cd_extract(cd_program *out, const cd_task *task, cd_python *py, assay_str completion,
                cd_pool *pool)
{
    *out = (cd_program){ .entry = task->entry };
    extraction x = { .task = task, .py = py, .pool = pool, .out = out };
    x.is_python = strcmp(task->language, "python") == 0;
    x.has_main = strcmp(task->language, "c") == 0 || strcmp(task->language, "cpp") == 0;
    if (task->entry && task->kind != CD_STDIO)
        x.entry = (assay_str){ task->entry, strcspn(task->entry, ".") };
    assay_str text = completion.data ? completion : PC_LIT("");
    if (!pc_after_think(&text, PC_THINK_AUTO)) {
        out->why = "the text ends while the model is thinking";
        out->is_cut = true;
        return;
    }
    cd_block *blocks = cd_alloc(pool, CD_BLOCKS, sizeof *blocks);
    x.at = cd_alloc(pool, CD_BLOCKS, sizeof *x.at);
    if (!blocks || !x.at)
        return;
    uint32_t n = cd_find_blocks(blocks, text, pool);
    for (uint32_t i = first_in_sight(blocks, n); i < n; i++)
        add_candidate(&x, &blocks[i]);
    read_prefix(&x);
    const candidate *k = choose(&x);
    bool is_cut = n && !blocks[n - 1].is_closed;
    if (is_cut && (!k || !k->defines)) {
        out->why = "the text ends inside its code block";
        out->is_cut = true;
    } else if (k) {
        take_program(&x, k, "block");
    } else if (n) {
        out->why = "no code block of the text is a program in this language";
    } else {
        take_text(&x, text);
    }
    for (uint32_t i = 0; i < x.n; i++)
        cd_code_fini(&x.at[i].code);
}
