/* parse_print_name.c -- names of unknowns as LaTeX: x_{1}, \overline{x}, \alpha, \mathrm{AB}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_print.h"

static bool is_letters(assay_str s)
{
    for (size_t k = 0; k < s.len; k++)
        if (!pc_is_alpha(s.data[k]))
            return false;
    return s.len > 0;
}

static bool is_greek(assay_str s)
{
    static const char *const list[] = {
        "alpha",   "beta",   "gamma",  "delta", "epsilon", "zeta",    "eta",   "theta",
        "iota",    "kappa",  "lambda", "mu",    "nu",      "xi",      "rho",   "sigma",
        "tau",     "phi",    "chi",    "psi",   "omega",   "upsilon", "Gamma", "Delta",
        "Theta",   "Lambda", "Xi",     "Sigma", "Phi",     "Psi",     "Omega", "Pi",
        "Upsilon", "ell",    "hbar",   "nabla", "partial",
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is(s, list[k]))
            return true;
    return false;
}

static bool all_capitals(assay_str s)
{
    for (size_t k = 0; k < s.len; k++)
        if (s.data[k] < 'A' || s.data[k] > 'Z')
            return false;
    return true;
}

/* bar(x) as \overline{x}, vec(a) as \vec{a}; false: no accent. */
static bool put_accent(printer *p, assay_str head)
{
    size_t open = pc_find(head, "(", 0);
    if (open == PC_NONE || open == 0 || head.data[head.len - 1] != ')' ||
        !is_letters(pc_slice(head, 0, open)))
        return false;
    assay_str accent = pc_slice(head, 0, open), inner = pc_slice(head, open + 1, head.len - 1);
    print_put(p, "\\");
    print_str(p, pc_is(accent, "bar") ? PC_LIT("overline") : accent);
    print_put(p, "{");
    if (is_greek(inner))
        print_put(p, "\\");
    print_str(p, inner);
    print_put(p, "}");
    return true;
}

static void print_braced(printer *p, const char *command, assay_str text)
{
    print_put(p, command);
    print_put(p, "{");
    print_str(p, text);
    print_put(p, "}");
}

static void put_head(printer *p, assay_str head, bool upright, bool indexed)
{
    if (put_accent(p, head))
        return;
    bool word = head.len > 1 && is_letters(head);
    bool figure = word && !indexed && all_capitals(head);
    if (upright) {
        print_braced(p, "\\mathrm", head);
    } else if (head.len == 1 || is_greek(head) || figure) {
        print_put(p, figure ? "\\angle " : head.len > 1 ? "\\" : "");
        print_str(p, head);
    } else if (word || pc_is_digit(head.data[0])) { /* not \div, which is a sign */
        print_braced(p, "\\mathbf", head);
    } else {
        print_str(p, head);
    }
}

/* Where the head of "x_{1}'" ends: at its first index or prime outside brackets. */
static size_t head_end(assay_str name)
{
    unsigned depth = 0;
    for (size_t k = 0; k < name.len; k++) {
        char c = name.data[k];
        depth += c == '(';
        depth -= c == ')' && depth;
        if (!depth && k && (c == '_' || c == '\''))
            return k;
    }
    return name.len;
}

void print_name(printer *p, assay_str name, bool upright)
{
    size_t at = head_end(name), end = name.len;
    put_head(p, pc_slice(name, 0, at), upright, at < end);
    while (at < end && name.data[at] == '\'') {
        print_put(p, "'");
        at++;
    }
    if (at == end)
        return;
    while (end > at + 2 && name.data[end - 1] == '\'')
        end--;
    assay_str index = pc_slice(name, at + 1, end);
    print_put(p, "_{");
    if (is_greek(index))
        print_put(p, "\\");
    print_str(p, index);
    print_put(p, "}");
    print_str(p, pc_slice(name, end, name.len));
}
