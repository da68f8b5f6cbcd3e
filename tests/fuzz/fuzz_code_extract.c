/* fuzz_code_extract.c -- a completion, and the program in it: the same one each time, or a reason
 * why there is none; and where the program is fenced again, it is found again. First byte: what is
 * asked for. SPDX-License-Identifier: Apache-2.0 */
#include "code/extract.h"
#include "fuzz_clock.h"

static cd_python *py;

static cd_task task_of(unsigned which)
{
    cd_task t = { .kind = CD_CALLS, .language = which == 2 ? "cpp" : "python", .entry = "f" };
    if (which == 1 || which == 2) {
        t.kind = CD_STDIO;
        t.entry = NULL;
    } else if (which == 3) {
        t.entry = "C.f";
        t.prefix = PC_LIT("import math\nfrom typing import *\nclass C:\n    def f(self, x):\n");
    }
    return t;
}

static void check_one(const cd_program *p, const cd_task *t)
{
    static const char *const rules[] = { "block", "text", "prefix" };
    FUZZ_CHECK(!p->source.data == (p->why != NULL));
    FUZZ_CHECK(!p->is_cut || p->why);
    if (!p->source.data)
        return;
    FUZZ_CHECK(p->source.data[p->source.len] == 0 && p->rule);
    FUZZ_CHECK(strcmp(p->rule, rules[0]) == 0 || strcmp(p->rule, rules[1]) == 0 ||
               strcmp(p->rule, rules[2]) == 0);
    FUZZ_CHECK(!p->entry == !t->entry);
}

/* No fence of ours may end inside the program. */
static void check_again(const cd_program *p, const cd_task *t, cd_pool *pool)
{
    pc_buf b = { 0 };
    cd_program again;
    if (memchr(p->source.data, '`', p->source.len) || memchr(p->source.data, '~', p->source.len) ||
        pc_find(p->source, "think", 0) != PC_NONE || pc_is_blank(p->source))
        return;
    pc_buf_text(&b, t->language[0] == 'p' ? "```python\n" : "```cpp\n");
    pc_buf_add(&b, p->source.data, p->source.len);
    pc_buf_text(&b, "\n```\n");
    cd_extract(&again, t, py, pc_buf_str(&b), pool);
    FUZZ_CHECK(again.source.data && pc_find(again.source, p->source.data, 0) != PC_NONE);
    pc_buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 1 << 21)
        return 0;
    if (!py && !(py = cd_python_new()))
        return 0;
    const cd_task task = task_of(data[0] % 4), *t = &task;
    char *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data + 1, size - 1);
    assay_str text = { copy, size - 1 };
    cd_pool pool = { 0 };
    cd_program first, second;
    double start = fuzz_now_ms();
    cd_extract(&first, t, py, text, &pool);
    fuzz_check_quick(start, "extracting");
    check_one(&first, t);
    cd_extract(&second, t, py, text, &pool);
    FUZZ_CHECK(!first.source.data == !second.source.data && first.is_cut == second.is_cut);
    FUZZ_CHECK(!first.source.data || pc_eq(first.source, second.source));
    if (first.source.data && !memchr(first.source.data, 0, first.source.len))
        check_again(&first, t, &pool);
    cd_pool_fini(&pool);
    free(copy);
    return 0;
}
