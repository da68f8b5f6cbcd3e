/* page.c -- runs, last values, figures and configurations as HTML. SPDX-License-Identifier:
 * Apache-2.0 */
#include "report/page.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { TEXT_MAX = 400 /* bytes of one text on the page */, ROWS_MAX = 1000 };
#define CUT "\xe2\x80\xa6"         /* U+2026 */
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char style[] =
    "body{font:15px/1.45 sans-serif;color:#222;background:#fff;margin:1.5em auto;max-width:1180px;"
    "padding:0 1em}\n"
    "h1{font-size:1.5em}h2{font-size:1.2em;margin:1.6em 0 .5em;border-bottom:1px solid #ccc}\n"
    "table{border-collapse:collapse;display:block;overflow-x:auto}\n"
    "th,td{text-align:left;vertical-align:top;padding:.15em .8em .15em 0;border-bottom:1px solid "
    "#eee;overflow-wrap:anywhere;max-width:32em}\n"
    "td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "tr.differs th::before{content:\"\\2260  \"}tr.differs td{background:#fff6dd}\n"
    ".figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:1em}\n"
    "figure{margin:0;min-width:0}figure svg{width:100%;height:auto}\n"
    "figcaption{font-size:.9em;overflow-wrap:anywhere}figcaption a{float:right}\n"
    ".legend{position:sticky;top:0;background:#fff;padding:.4em 0;border-bottom:1px solid #ccc}\n"
    ".legend span{margin-right:1.4em;white-space:nowrap}.note{color:#555}\n";

/* ---- text ---- */

/* U+202A..202E and U+2066..2069: what follows would be read in another order than it is written. */
static bool turns(const char *s, unsigned n)
{
    const unsigned char *c = (const unsigned char *)s;
    return n == 3 && c[0] == 0xe2 &&
           ((c[1] == 0x80 && c[2] >= 0xaa && c[2] <= 0xae) ||
            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

static void put_character(as_buf *b, const char *s, unsigned n)
{
    const unsigned char c = (unsigned char)*s;
    if (n == 0 || (n == 1 && (c < ' ' || c == 0x7f)) || turns(s, n))
        as_buf_text(b, c == '\n' || c == '\t' ? " " : REPLACEMENT);
    else if (c == '&')
        as_buf_text(b, "&amp;");
    else if (c == '<')
        as_buf_text(b, "&lt;");
    else if (c == '>')
        as_buf_text(b, "&gt;");
    else if (c == '"')
        as_buf_text(b, "&quot;");
    else if (c == '\'')
        as_buf_text(b, "&#39;");
    else
        as_buf_add(b, (as_str){ s, n });
}

static void put_text(as_buf *b, as_str s)
{
    size_t at = 0;
    while (at < s.len && at < TEXT_MAX) {
        const unsigned n = as_utf8_step(s.data + at, s.len - at);
        put_character(b, s.data + at, n);
        at += n ? n : 1;
    }
    if (at < s.len)
        as_buf_text(b, CUT);
}

/* As part of an address: a name that has a ':' or '/' is one name still. */
static void put_address(as_buf *b, const char *s)
{
    for (; *s; s++) {
        const char c = *s;
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
        if (is_plain)
            as_buf_byte(b, c);
        else
            as_buf_addf(b, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static void put_swatch(as_buf *b, size_t run)
{
    static const char *const dashes[] = { "none", "7 4", "2 3", "7 3 2 3", "7 3 2 3 2 3" };
    as_buf_addf(
        b,
        "<svg width=\"34\" height=\"10\" aria-hidden=\"true\"><line x1=\"0\" y1=\"5\" "
        "x2=\"34\" y2=\"5\" stroke=\"%s\" stroke-width=\"3\" stroke-dasharray=\"%s\"/></svg> ",
        as_report_colour(run), dashes[as_report_dash(run)]);
}

static void put_head_row(as_buf *b, const as_report_runs *runs, const char *first)
{
    as_buf_addf(b, "<tr><th scope=\"col\">%s</th>", first);
    for (size_t i = 0; i < runs->n; i++) {
        as_buf_text(b, "<th scope=\"col\">");
        put_text(b, runs->at[i].label);
        as_buf_text(b, "</th>");
    }
    as_buf_text(b, "</tr>\n");
}

/* ---- the runs ---- */

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* Texts as they are, all else as JSON; nothing where it is not there. */
static void put_json(as_buf *b, const cJSON *value)
{
    if (cJSON_IsString(value)) {
        put_text(b, as_str_of(value->valuestring));
        return;
    }
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    if (text)
        put_text(b, as_str_of(text));
    else if (value)
        b->failed = true;
    cJSON_free(text);
}

static void put_duration(as_buf *b, const as_report_run *r)
{
    double first = (double)NAN;
    for (size_t i = 0; i < r->n_curves && isnan(first); i++)
        first = r->curves[i].at[0].time;
    const double s = r->last_time - first;
    if (s >= 0 && s < 1e12)
        as_buf_addf(b, "%.0f s from first to last step", s);
}

static void put_notes(as_buf *b, const as_report_run *r)
{
    if (r->n_resumed) {
        as_buf_text(b, "gone on with at step");
        for (size_t i = 0; i < r->n_resumed && i < 20; i++)
            as_buf_addf(b, "%s %" PRIu64, i ? "," : "", r->resumed[i]);
        as_buf_addf(b, "%s (dotted upright lines). ", r->n_resumed > 20 ? ", " CUT : "");
    }
    if (!r->manifest)
        as_buf_text(b, "No manifest.json. ");
    if (r->is_torn)
        as_buf_text(b, "The last line of metrics.jsonl was cut off and is left out. ");
    if (r->n_null)
        as_buf_addf(b, "%" PRIu64 " values that are not finite (gaps). ", r->n_null);
    if (r->n_left_out)
        as_buf_addf(b, "%" PRIu64 " values that are no numbers are left out. ", r->n_left_out);
}

static void put_runs(as_buf *b, const as_report_runs *runs)
{
    as_buf_text(b, "<h2 id=\"runs\">Runs</h2>\n<table>\n<tr><th scope=\"col\">run</th>"
                   "<th scope=\"col\">folder</th><th scope=\"col\">command</th>"
                   "<th scope=\"col\">algo</th><th scope=\"col\">state</th>"
                   "<th scope=\"col\">begun</th><th scope=\"col\">steps</th>"
                   "<th scope=\"col\">notes</th></tr>\n");
    for (size_t i = 0; i < runs->n; i++) {
        const as_report_run *r = &runs->at[i];
        as_buf_text(b, "<tr><th scope=\"row\">");
        put_swatch(b, i);
        put_text(b, r->label);
        as_buf_text(b, "</th><td>");
        put_text(b, r->folder);
        const cJSON *const cells[] = { member(r->manifest, "command"),
                                       member(member(r->manifest, "config"), "algo"),
                                       member(r->manifest, "state"),
                                       member(r->manifest, "created") };
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            as_buf_text(b, "</td><td>");
            put_json(b, cells[k]);
        }
        as_buf_addf(b, "</td><td class=\"n\">%" PRIu64 "</td><td>", r->last_step);
        put_notes(b, r);
        put_duration(b, r);
        as_buf_text(b, "</td></tr>\n");
    }
    as_buf_text(b, "</table>\n");
}

static void put_last_values(as_buf *b, const as_report_runs *runs, const as_report_figures *figures)
{
    as_buf_text(b, "<h2 id=\"last\">Last values</h2>\n<table>\n");
    put_head_row(b, runs, "metric");
    for (size_t i = 0; i < figures->n; i++) {
        as_buf_text(b, "<tr><th scope=\"row\">");
        put_text(b, figures->at[i].name);
        as_buf_text(b, "</th>");
        for (size_t k = 0; k < runs->n; k++) {
            const as_report_run *r = &runs->at[k];
            const as_report_curve *c = as_report_curve_of(r, figures->at[i].name);
            const as_report_point *last = c ? as_report_last(c) : NULL;
            as_buf_text(b, "<td class=\"n\">");
            if (last)
                as_buf_addf(b, "%.6g", last->value);
            if (last && last->step != r->last_step)
                as_buf_addf(b, " <span class=\"note\">(step %" PRIu64 ")</span>", last->step);
            as_buf_text(b, "</td>");
        }
        as_buf_text(b, "</tr>\n");
    }
    as_buf_text(b, "</table>\n");
}

/* ---- tables ---- */

static void put_data_link(as_buf *b, const char *data, const char *file)
{
    as_buf_text(b, " <a href=\"");
    put_address(b, data);
    as_buf_byte(b, '/');
    put_address(b, file);
    as_buf_text(b, "\">data (CSV)</a>");
}

static void put_table_row(as_buf *b, const as_report_table *t, const as_report_cell *row)
{
    as_buf_text(b, "<tr>");
    for (size_t c = 0; c < t->n_columns; c++) {
        const bool is_text = t->columns[c].kind == AS_REPORT_TEXT;
        as_buf_text(b, is_text ? "<td>" : "<td class=\"n\">");
        if (is_text)
            put_text(b, row[c].text);
        else
            as_report_cell_put(b, &t->columns[c], &row[c]);
        as_buf_text(b, "</td>");
    }
    as_buf_text(b, "</tr>\n");
}

static void put_table(as_buf *b, const as_report_table *t, const char *data)
{
    if (t->n_rows == 0)
        return;
    as_buf_addf(b, "<h2>%s</h2>\n<p class=\"note\">", t->title);
    put_text(b, as_str_of(t->note));
    if (data)
        put_data_link(b, data, t->file);
    as_buf_text(b, "</p>\n<table>\n<tr>");
    for (size_t c = 0; c < t->n_columns; c++) {
        as_buf_text(b, "<th scope=\"col\">");
        put_text(b, as_str_of(t->columns[c].name));
        as_buf_text(b, "</th>");
    }
    as_buf_text(b, "</tr>\n");
    for (size_t i = 0; i < t->n_rows && i < ROWS_MAX; i++)
        put_table_row(b, t, t->cells + i * t->n_columns);
    as_buf_text(b, "</table>\n");
}

static void put_exams(as_buf *b, const as_report_exams *exams)
{
    if (exams->n == 0)
        return;
    as_buf_text(b, "<h2>Evaluations</h2>\n<table>\n<tr><th scope=\"col\">evaluation</th>"
                   "<th scope=\"col\">folder</th><th scope=\"col\">model</th>"
                   "<th scope=\"col\">suite</th><th scope=\"col\">verifier</th>"
                   "<th scope=\"col\">temperature</th><th scope=\"col\">top_p</th>"
                   "<th scope=\"col\">seeds</th></tr>\n");
    for (size_t i = 0; i < exams->n && i < ROWS_MAX; i++) {
        const as_report_exam *x = &exams->at[i];
        const cJSON *config = member(x->manifest, "config");
        const cJSON *const cells[] = {
            member(x->manifest, "model"),  member(x->manifest, "suite"),
            member(x->manifest, "plugin"), member(config, "temperature"),
            member(config, "top_p"),       member(x->manifest, "seeds")
        };
        as_buf_text(b, "<tr><th scope=\"row\">");
        put_text(b, x->label);
        as_buf_text(b, "</th><td>");
        put_text(b, x->folder);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) {
            as_buf_text(b, "</td><td>");
            put_json(b, cells[k]);
        }
        as_buf_text(b, "</td></tr>\n");
    }
    as_buf_text(b, "</table>\n");
}

/* ---- figures ---- */

static void put_figure(as_buf *b, const as_report_figure *f, const char *data)
{
    as_buf_text(b, "<figure>");
    if (f->svg.len)
        as_buf_add(b, as_buf_str(&f->svg));
    else
        as_buf_text(b, "<p class=\"note\">No number that could be drawn.</p>");
    as_buf_text(b, "<figcaption><b>");
    put_text(b, f->name);
    as_buf_text(b, "</b>");
    if (data)
        put_data_link(b, data, f->file);
    as_buf_text(b, "</figcaption></figure>\n");
}

static void put_figures(as_buf *b, const as_report_figures *figures, const char *data)
{
    for (size_t i = 0; i < figures->n; i++) {
        const as_report_figure *f = &figures->at[i], *before = i ? f - 1 : NULL;
        const bool is_new = !before || before->is_eval != f->is_eval ||
                            (!f->is_eval && !as_str_eq(before->group, f->group));
        if (is_new) {
            as_buf_addf(b, "%s<h2>", i ? "</div>\n" : "");
            put_text(b, f->is_eval     ? AS_LIT("Evaluation")
                        : f->group.len ? f->group
                                       : AS_LIT("Training"));
            as_buf_text(b, "</h2>\n<div class=\"figures\">\n");
        }
        put_figure(b, f, data);
    }
    if (figures->n)
        as_buf_text(b, "</div>\n");
}

/* ---- configurations ---- */

static bool has_key(const as_report_runs *runs, size_t n, const char *section, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (member(member(runs->at[i].manifest, section), key))
            return true;
    return false;
}

static void put_setting(as_buf *b, const as_report_runs *runs, const char *section, const char *key)
{
    const cJSON *first = member(member(runs->at[0].manifest, section), key);
    bool differs = false;
    for (size_t i = 1; i < runs->n; i++) {
        const cJSON *other = member(member(runs->at[i].manifest, section), key);
        differs = differs || !first != !other || (first && !cJSON_Compare(first, other, true));
    }
    as_buf_addf(b, "<tr%s><th scope=\"row\">", differs ? " class=\"differs\"" : "");
    put_text(b, as_str_of(key));
    as_buf_text(b, "</th>");
    for (size_t i = 0; i < runs->n; i++) {
        as_buf_text(b, "<td>");
        put_json(b, member(member(runs->at[i].manifest, section), key));
        as_buf_text(b, "</td>");
    }
    as_buf_text(b, "</tr>\n");
}

static void put_section(as_buf *b, const as_report_runs *runs, const char *section)
{
    size_t n = 0;
    for (size_t i = 0; i < runs->n; i++) {
        const cJSON *all = member(runs->at[i].manifest, section);
        for (const cJSON *m = all ? all->child : NULL; m && n < ROWS_MAX; m = m->next) {
            if (has_key(runs, i, section, m->string))
                continue;
            if (n++ == 0) {
                as_buf_addf(b, "<h2 id=\"%s\">%c%s</h2>\n<table>\n", section,
                            section[0] - 'a' + 'A', section + 1);
                put_head_row(b, runs, "key");
            }
            put_setting(b, runs, section, m->string);
        }
    }
    if (n)
        as_buf_text(b, "</table>\n");
}

static void put_legend(as_buf *b, const as_report_runs *runs)
{
    as_buf_text(b, "<p class=\"legend\">");
    for (size_t i = 0; i < runs->n; i++) {
        as_buf_text(b, "<span>");
        put_swatch(b, i);
        put_text(b, runs->at[i].label);
        as_buf_text(b, "</span> ");
    }
    as_buf_text(b, "</p>\n");
}

static void put_title(as_buf *b, const as_report_runs *runs, const as_report_exams *exams)
{
    const bool has_runs = runs->n > 0;
    const size_t n = has_runs ? runs->n : exams->n;
    for (size_t i = 0; i < n && i < 4; i++) {
        as_buf_text(b, i ? ", " : "assay: ");
        put_text(b, has_runs ? runs->at[i].label : exams->at[i].label);
    }
}

int as_report_page(as_buf *out, const as_report_runs *runs, const as_report_exams *exams,
                   const as_report_figures *figures, const as_report_tables *tables,
                   const as_report_page_options *options, as_err *err)
{
    static const char *const sections[] = { "config", "seeds", "hashes" };
    as_buf_text(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    put_title(out, runs, exams);
    as_buf_text(out, "</title>\n<style>\n");
    as_buf_text(out, style);
    as_buf_addf(out, "</style>\n</head>\n<body>\n<h1>%s</h1>\n",
                runs->n ? "Training runs" : "Evaluations");
    if (runs->n) {
        put_legend(out, runs);
        put_runs(out, runs);
    }
    put_exams(out, exams);
    for (size_t i = 0; i < AS_REPORT_TABLES; i++)
        put_table(out, &tables->at[i], options->data);
    if (runs->n) {
        put_figures(out, figures, options->data);
        put_last_values(out, runs, figures);
    }
    for (size_t i = 0; runs->n && i < sizeof sections / sizeof *sections; i++)
        put_section(out, runs, sections[i]);
    as_buf_text(out, "</body>\n</html>\n");
    return as_buf_check(out, err);
}
