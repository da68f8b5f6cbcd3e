/* lex_unicode.c -- what is not ASCII as LaTeX writes it: operators, digits of every script,
 * superscripts, vulgar fractions, full width. SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

#include <utf8proc.h>

typedef struct glyph {
    uint32_t cp;
    const char *latex;
} glyph;
static const glyph glyphs[] = {
    /* ascending */
    { 0x0085, " " },
    { 0x00A0, "~" },
    { 0x00A2, " \\text{cents}" },
    { 0x00A3, "\\pounds " },
    { 0x00A5, "\\yen " },
    { 0x00AC, "\\neg " },
    { 0x00AD, "" },
    { 0x00B0, "\\degree " },
    { 0x00B1, "\\pm " },
    { 0x00B4, "'" },
    { 0x00B5, "\\mu " },
    { 0x00B7, "\\cdot " },
    { 0x00BA, "\\degree " },
    { 0x00BC, "\\frac{1}{4}" },
    { 0x00BD, "\\frac{1}{2}" },
    { 0x00BE, "\\frac{3}{4}" },
    { 0x00D7, "\\times " },
    { 0x00F7, "/" },
    { 0x02B9, "'" },
    { 0x02BC, "'" },
    { 0x02DA, "\\degree " },
    { 0x0391, "A" },
    { 0x0392, "B" },
    { 0x0393, "\\Gamma " },
    { 0x0394, "\\Delta " },
    { 0x0395, "E" },
    { 0x0396, "Z" },
    { 0x0397, "H" },
    { 0x0398, "\\Theta " },
    { 0x0399, "I" },
    { 0x039A, "K" },
    { 0x039B, "\\Lambda " },
    { 0x039C, "M" },
    { 0x039D, "N" },
    { 0x039E, "\\Xi " },
    { 0x039F, "O" },
    { 0x03A0, "\\Pi " },
    { 0x03A1, "P" },
    { 0x03A3, "\\Sigma " },
    { 0x03A4, "T" },
    { 0x03A5, "\\Upsilon " },
    { 0x03A6, "\\Phi " },
    { 0x03A7, "X" },
    { 0x03A8, "\\Psi " },
    { 0x03A9, "\\Omega " },
    { 0x03B1, "\\alpha " },
    { 0x03B2, "\\beta " },
    { 0x03B3, "\\gamma " },
    { 0x03B4, "\\delta " },
    { 0x03B5, "\\epsilon " },
    { 0x03B6, "\\zeta " },
    { 0x03B7, "\\eta " },
    { 0x03B8, "\\theta " },
    { 0x03B9, "\\iota " },
    { 0x03BA, "\\kappa " },
    { 0x03BB, "\\lambda " },
    { 0x03BC, "\\mu " },
    { 0x03BD, "\\nu " },
    { 0x03BE, "\\xi " },
    { 0x03BF, "o" },
    { 0x03C0, "\\pi " },
    { 0x03C1, "\\rho " },
    { 0x03C2, "\\varsigma " },
    { 0x03C3, "\\sigma " },
    { 0x03C4, "\\tau " },
    { 0x03C5, "\\upsilon " },
    { 0x03C6, "\\phi " },
    { 0x03C7, "\\chi " },
    { 0x03C8, "\\psi " },
    { 0x03C9, "\\omega " },
    { 0x03D1, "\\vartheta " },
    { 0x03D5, "\\phi " },
    { 0x03D6, "\\varpi " },
    { 0x03F1, "\\varrho " },
    { 0x03F5, "\\epsilon " },
    { 0x060C, ", " },
    { 0x061B, "; " },
    { 0x061C, "" },
    { 0x066A, "\\%" },
    { 0x066B, "." },
    { 0x066C, "{,}" },
    { 0x06D4, "." },
    { 0x0964, "." },
    { 0x1680, " " },
    { 0x180E, "" },
    { 0x2000, " " },
    { 0x2001, " " },
    { 0x2002, " " },
    { 0x2003, " " },
    { 0x2004, " " },
    { 0x2005, "\\," },
    { 0x2006, "\\," },
    { 0x2007, "~" },
    { 0x2008, "\\," },
    { 0x2009, "\\," },
    { 0x200A, "\\," },
    { 0x200B, "" },
    { 0x200C, "" },
    { 0x200D, "" },
    { 0x200E, "" },
    { 0x200F, "" },
    { 0x2010, "-" },
    { 0x2011, "-" },
    { 0x2012, "-" },
    { 0x2013, "-" },
    { 0x2014, "-" },
    { 0x2015, "-" },
    { 0x2016, "\\|" },
    { 0x2018, "'" },
    { 0x2019, "'" },
    { 0x201B, "'" },
    { 0x201C, "\"" },
    { 0x201D, "\"" },
    { 0x201F, "\"" },
    { 0x2022, "\\cdot " },
    { 0x2024, "." },
    { 0x2026, "\\ldots " },
    { 0x2028, "\n" },
    { 0x2029, "\n" },
    { 0x202F, "\\," },
    { 0x2030, "\\permil " },
    { 0x2032, "'" },
    { 0x2033, "''" },
    { 0x2034, "'''" },
    { 0x2043, "-" },
    { 0x2044, "/" },
    { 0x205F, "\\," },
    { 0x2060, "" },
    { 0x2061, "" },
    { 0x2062, "" },
    { 0x2063, "" },
    { 0x2064, "" },
    { 0x20A9, "\\won " },
    { 0x20AA, "\\shekel " },
    { 0x20AC, "\\euro " },
    { 0x20B1, "\\peso " },
    { 0x20B9, "\\rupee " },
    { 0x20BD, "\\ruble " },
    { 0x2102, "\\mathbb{C}" },
    { 0x2103, "\\degree C" },
    { 0x2109, "\\degree F" },
    { 0x210B, "H" },
    { 0x210D, "\\mathbb{H}" },
    { 0x210E, "h" },
    { 0x210F, "\\hbar " },
    { 0x2111, "\\Im " },
    { 0x2112, "L" },
    { 0x2113, "\\ell " },
    { 0x2115, "\\mathbb{N}" },
    { 0x2118, "\\wp " },
    { 0x2119, "\\mathbb{P}" },
    { 0x211A, "\\mathbb{Q}" },
    { 0x211C, "\\Re " },
    { 0x211D, "\\mathbb{R}" },
    { 0x2124, "\\mathbb{Z}" },
    { 0x2126, "\\Omega " },
    { 0x2127, "\\mho " },
    { 0x212A, "K" },
    { 0x212B, "\\AA " },
    { 0x212F, "e" },
    { 0x2135, "\\aleph " },
    { 0x2145, "d" },
    { 0x2146, "d" },
    { 0x2147, "e" },
    { 0x2148, "i" },
    { 0x2149, "j" },
    { 0x2150, "\\frac{1}{7}" },
    { 0x2151, "\\frac{1}{9}" },
    { 0x2152, "\\frac{1}{10}" },
    { 0x2153, "\\frac{1}{3}" },
    { 0x2154, "\\frac{2}{3}" },
    { 0x2155, "\\frac{1}{5}" },
    { 0x2156, "\\frac{2}{5}" },
    { 0x2157, "\\frac{3}{5}" },
    { 0x2158, "\\frac{4}{5}" },
    { 0x2159, "\\frac{1}{6}" },
    { 0x215A, "\\frac{5}{6}" },
    { 0x215B, "\\frac{1}{8}" },
    { 0x215C, "\\frac{3}{8}" },
    { 0x215D, "\\frac{5}{8}" },
    { 0x215E, "\\frac{7}{8}" },
    { 0x215F, "1/" },
    { 0x2189, "\\frac{0}{3}" },
    { 0x2190, "\\leftarrow " },
    { 0x2192, "\\to " },
    { 0x2194, "\\leftrightarrow " },
    { 0x21A6, "\\mapsto " },
    { 0x21D0, "\\Leftarrow " },
    { 0x21D2, "\\Rightarrow " },
    { 0x21D4, "\\Leftrightarrow " },
    { 0x2200, "\\forall " },
    { 0x2202, "\\partial " },
    { 0x2203, "\\exists " },
    { 0x2204, "\\nexists " },
    { 0x2205, "\\emptyset " },
    { 0x2206, "\\Delta " },
    { 0x2207, "\\nabla " },
    { 0x2208, "\\in " },
    { 0x2209, "\\notin " },
    { 0x220A, "\\in " },
    { 0x220B, "\\ni " },
    { 0x220F, "\\prod " },
    { 0x2211, "\\sum " },
    { 0x2212, "-" },
    { 0x2213, "\\mp " },
    { 0x2215, "/" },
    { 0x2216, "\\setminus " },
    { 0x2217, "*" },
    { 0x2218, "\\circ " },
    { 0x2219, "\\cdot " },
    { 0x221A, "\\surd " },
    { 0x221B, "\\surd[3]" },
    { 0x221C, "\\surd[4]" },
    { 0x221D, "\\propto " },
    { 0x221E, "\\infty " },
    { 0x2220, "\\angle " },
    { 0x2223, "\\mid " },
    { 0x2224, "\\nmid " },
    { 0x2225, "\\parallel " },
    { 0x2227, "\\wedge " },
    { 0x2228, "\\vee " },
    { 0x2229, "\\cap " },
    { 0x222A, "\\cup " },
    { 0x222B, "\\int " },
    { 0x222C, "\\iint " },
    { 0x222D, "\\iiint " },
    { 0x222E, "\\oint " },
    { 0x2234, "\\therefore " },
    { 0x2236, ":" },
    { 0x223C, "\\sim " },
    { 0x2243, "\\simeq " },
    { 0x2245, "\\cong " },
    { 0x2248, "\\approx " },
    { 0x2254, ":=" },
    { 0x2260, "\\neq " },
    { 0x2261, "\\equiv " },
    { 0x2264, "\\leq " },
    { 0x2265, "\\geq " },
    { 0x2266, "\\leq " },
    { 0x2267, "\\geq " },
    { 0x226A, "\\ll " },
    { 0x226B, "\\gg " },
    { 0x2282, "\\subset " },
    { 0x2283, "\\supset " },
    { 0x2286, "\\subseteq " },
    { 0x2287, "\\supseteq " },
    { 0x228A, "\\subset " },
    { 0x2295, "\\oplus " },
    { 0x2297, "\\otimes " },
    { 0x2299, "\\odot " },
    { 0x22A5, "\\perp " },
    { 0x22C0, "\\wedge " },
    { 0x22C1, "\\vee " },
    { 0x22C2, "\\cap " },
    { 0x22C3, "\\cup " },
    { 0x22C5, "\\cdot " },
    { 0x22EE, "\\ldots " },
    { 0x22EF, "\\ldots " },
    { 0x22F1, "\\ldots " },
    { 0x2308, "\\lceil " },
    { 0x2309, "\\rceil " },
    { 0x230A, "\\lfloor " },
    { 0x230B, "\\rfloor " },
    { 0x2329, "\\langle " },
    { 0x232A, "\\rangle " },
    { 0x25A1, "" },
    { 0x25B3, "\\triangle " },
    { 0x25CB, "\\circ " },
    { 0x25E6, "\\circ " },
    { 0x2705, "" },
    { 0x2713, "" },
    { 0x2714, "" },
    { 0x2715, "\\times " },
    { 0x2716, "\\times " },
    { 0x27E8, "\\langle " },
    { 0x27E9, "\\rangle " },
    { 0x27F6, "\\to " },
    { 0x27F9, "\\Rightarrow " },
    { 0x27FA, "\\Leftrightarrow " },
    { 0x29F5, "\\setminus " },
    { 0x2A2F, "\\times " },
    { 0x2A7D, "\\leq " },
    { 0x2A7E, "\\geq " },
    { 0x3000, " " },
    { 0x3001, ", " },
    { 0x3002, ". " },
    { 0x3008, "\\langle " },
    { 0x3009, "\\rangle " },
    { 0x300C, "\"" },
    { 0x300D, "\"" },
    { 0x3010, "[" },
    { 0x3011, "]" },
    { 0x3014, "(" },
    { 0x3015, ")" },
    { 0xFE0E, "" },
    { 0xFE0F, "" },
    { 0xFEFF, "" },
    { 0xFF0C, ", " },
    { 0xFF1B, "; " },
    { 0xFF61, ". " },
    { 0xFF64, ", " },
    { 0xFFE1, "\\pounds " },
    { 0xFFE5, "\\yen " },
    { 0xFFE6, "\\won " },
};

static const char *glyph_latex(uint32_t cp)
{
    size_t lo = 0, hi = sizeof glyphs / sizeof *glyphs;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (glyphs[mid].cp < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof glyphs / sizeof *glyphs && glyphs[lo].cp == cp ? glyphs[lo].latex : NULL;
}

/* A code point that writes an ASCII character raised or lowered. */
typedef struct small {
    uint16_t cp;
    char as;
} small;
static const small supers[] = {
    { 0x00B2, '2' }, { 0x00B3, '3' }, { 0x00B9, '1' }, { 0x02B2, 'j' }, { 0x02B3, 'r' },
    { 0x02B7, 'w' }, { 0x02B8, 'y' }, { 0x02E1, 'l' }, { 0x02E2, 's' }, { 0x02E3, 'x' },
    { 0x1D40, 'T' }, { 0x1D43, 'a' }, { 0x1D47, 'b' }, { 0x1D48, 'd' }, { 0x1D49, 'e' },
    { 0x1D4F, 'k' }, { 0x1D50, 'm' }, { 0x1D52, 'o' }, { 0x1D56, 'p' }, { 0x1D57, 't' },
    { 0x1D58, 'u' }, { 0x1D5B, 'v' }, { 0x1D9C, 'c' }, { 0x1DBB, 'z' }, { 0x2070, '0' },
    { 0x2071, 'i' }, { 0x2074, '4' }, { 0x2075, '5' }, { 0x2076, '6' }, { 0x2077, '7' },
    { 0x2078, '8' }, { 0x2079, '9' }, { 0x207A, '+' }, { 0x207B, '-' }, { 0x207C, '=' },
    { 0x207D, '(' }, { 0x207E, ')' }, { 0x207F, 'n' },
};
static const small subs[] = {
    { 0x1D62, 'i' }, { 0x1D63, 'r' }, { 0x1D64, 'u' }, { 0x1D65, 'v' }, { 0x2080, '0' },
    { 0x2081, '1' }, { 0x2082, '2' }, { 0x2083, '3' }, { 0x2084, '4' }, { 0x2085, '5' },
    { 0x2086, '6' }, { 0x2087, '7' }, { 0x2088, '8' }, { 0x2089, '9' }, { 0x208A, '+' },
    { 0x208B, '-' }, { 0x208C, '=' }, { 0x208D, '(' }, { 0x208E, ')' }, { 0x2090, 'a' },
    { 0x2091, 'e' }, { 0x2092, 'o' }, { 0x2093, 'x' }, { 0x2095, 'h' }, { 0x2096, 'k' },
    { 0x2097, 'l' }, { 0x2098, 'm' }, { 0x2099, 'n' }, { 0x209A, 'p' }, { 0x209B, 's' },
    { 0x209C, 't' }, { 0x2C7C, 'j' },
};

static char small_ascii(const small *list, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (list[mid].cp < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < n && list[lo].cp == cp)
        return list[lo].as;
    return 0;
}

/* The first code points of the blocks of decimal digits (Unicode's Nd), ascending. */
static const uint32_t zeros[] = {
    0x0660,  0x06F0,  0x07C0,  0x0966,  0x09E6,  0x0A66,  0x0AE6,  0x0B66,  0x0BE6,  0x0C66,
    0x0CE6,  0x0D66,  0x0DE6,  0x0E50,  0x0ED0,  0x0F20,  0x1040,  0x1090,  0x17E0,  0x1810,
    0x1946,  0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,
    0xA900,  0xA9D0,  0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950,
    0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2,
    0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E950, 0x1FBF0,
};

static char digit_ascii(uint32_t cp)
{
    size_t lo = 0, hi = sizeof zeros / sizeof *zeros;
    while (lo < hi) { /* the first block that starts beyond cp */
        size_t mid = (lo + hi) / 2;
        if (zeros[mid] <= cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || cp - zeros[lo - 1] > 9)
        return 0;
    return (char)('0' + (cp - zeros[lo - 1]));
}

/* Full width, mathematical italics and the like, letters in circles. */
static char letter_ascii(uint32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E)
        return (char)(cp - 0xFEE0);
    if (cp >= 0x1D400 && cp <= 0x1D6A3) { /* 13 alphabets of 52 letters */
        uint32_t k = (cp - 0x1D400) % 52;
        return (char)(k < 26 ? 'A' + k : 'a' + k - 26);
    }
    if (cp >= 0x24B6 && cp <= 0x24CF)
        return (char)('A' + (cp - 0x24B6));
    return 0;
}

static const char *accent(uint32_t cp, bool digit)
{
    switch (cp) {
    case 0x0302:
        return "\\hat{";
    case 0x0303:
        return "\\tilde{";
    case 0x0304:
    case 0x0305:
        return digit ? "\\overline{" : "\\bar{";
    case 0x0307:
        return "\\dot{";
    case 0x20D7:
        return "\\vec{";
    default:
        return NULL;
    }
}

/* Scripts none of whose letters is written otherwise here: Cyrillic, Hebrew, Arabic up to its
 * digits, kana, Chinese, Korean. */
static bool is_plain_script(uint32_t cp)
{
    return (cp >= 0x0400 && cp < 0x060C) || (cp >= 0x061D && cp < 0x0660) ||
           (cp >= 0x3040 && cp < 0xA000) || (cp >= 0xAC00 && cp < 0xD7A4);
}

static bool is_bidi_control(uint32_t cp)
{
    return (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* Where the superscripts or subscripts from `at` end; their ASCII goes to `out`. */
static size_t small_run(pc_buf *out, assay_str s, size_t at, bool super)
{
    const small *list = super ? supers : subs;
    size_t n = super ? sizeof supers / sizeof *supers : sizeof subs / sizeof *subs;
    while (at < s.len) {
        uint32_t cp;
        size_t len = pc_utf8(s, at, &cp);
        char c = small_ascii(list, n, cp); /* none is ASCII */
        if (!c)
            break;
        pc_buf_byte(out, c);
        at += len;
    }
    return at;
}

static bool all_digits(const pc_buf *b, size_t from)
{
    for (size_t i = from; i < b->len; i++)
        if (!pc_is_digit(b->data[i]))
            return false;
    return b->len > from;
}

/* x² becomes x^{2}; ¹⁄₂ becomes \frac{1}{2}. Where the run ends; `at` where there is none. */
static size_t small_digits(pc_buf *out, assay_str s, size_t at, uint32_t cp)
{
    bool super = small_ascii(supers, sizeof supers / sizeof *supers, cp) != 0;
    if (!super && !small_ascii(subs, sizeof subs / sizeof *subs, cp))
        return at;
    size_t mark = out->len;
    pc_buf_text(out, super ? "^{" : "_{");
    size_t text = out->len, end = small_run(out, s, at, super), stop = out->len;
    bool slash = super && all_digits(out, text) && pc_starts(pc_from(s, end), "\xE2\x81\x84");
    if (slash) {
        pc_buf_text(out, "}{");
        size_t low = out->len, past = small_run(out, s, end + 3, false);
        if (all_digits(out, low) && !out->failed) {
            pc_buf_text(out, "}    "); /* with room to put \\frac{ in the place of ^{ */
            if (out->failed)
                return past;
            size_t body = out->len - 4 - text;
            memmove(out->data + mark + 6, out->data + text, body);
            memcpy(out->data + mark, "\\frac{", 6);
            out->len = mark + 6 + body;
            return past;
        }
        out->len = stop;
    }
    pc_buf_byte(out, '}');
    return end;
}

/* An accent goes in front of the letter or digit that it stands on. */
static bool put_accent(pc_buf *out, uint32_t cp)
{
    char c = 0;
    if (out->len)
        c = out->data[out->len - 1];
    const char *command = accent(cp, pc_is_digit(c));
    if (!command || !(pc_is_alpha(c) || pc_is_digit(c)))
        return false;
    out->len--;
    pc_buf_text(out, command);
    pc_buf_byte(out, c);
    pc_buf_byte(out, '}');
    return true;
}

static void put_char(pc_buf *out, assay_str bytes, uint32_t cp)
{
    const char *latex = glyph_latex(cp);
    if (latex) {
        pc_buf_text(out, latex);
        return;
    }
    char c = digit_ascii(cp);
    if (!c)
        c = letter_ascii(cp);
    if (c)
        pc_buf_byte(out, c);
    else if (cp >= 0x2460 && cp <= 0x2473) /* numbers in circles */
        pc_buf_fmt(out, "(%u)", (unsigned)(cp - 0x2460 + 1));
    else if (!put_accent(out, cp))
        pc_buf_add(out, bytes.data, bytes.len);
}

const char *lex_unicode(pc_buf *out, assay_str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t run = i;
        while (run < text.len && (unsigned char)text.data[run] < 0x80)
            run++;
        pc_buf_add(out, text.data + i, run - i);
        i = run;
        if (i == text.len)
            break;
        uint32_t cp;
        size_t n = pc_utf8(text, i, &cp);
        if (is_plain_script(cp)) {
            pc_buf_add(out, text.data + i, n);
            i += n;
            continue;
        }
        size_t past = small_digits(out, text, i, cp);
        if (is_bidi_control(cp))
            return "the text holds a bidi control";
        if (past == i)
            put_char(out, pc_slice(text, i, i + n), cp);
        i = past == i ? i + n : past;
    }
    return NULL;
}

bool lex_is_letter(uint32_t cp)
{
    if (cp < 0x80 || cp > 0x10FFFF)
        return false;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)cp);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_ME;
}
