/* thin.c -- a long curve in few points. SPDX-License-Identifier: Apache-2.0 */
#include "report/figures.h"

#include <math.h>

/* The least and the greatest value of a stretch, in the order in which they come; its first point
 * where none is finite. */
static size_t thin_stretch(const as_report_point *p, size_t n, as_report_point out[2])
{
    size_t low = 0, high = 0;
    for (size_t i = 1; i < n; i++) {
        if (!isfinite(p[i].value))
            continue;
        if (!isfinite(p[low].value) || p[i].value < p[low].value)
            low = i;
        if (!isfinite(p[high].value) || p[i].value > p[high].value)
            high = i;
    }
    out[0] = p[low < high ? low : high];
    out[1] = p[low < high ? high : low];
    return low == high ? 1 : 2;
}

size_t as_report_thin(const as_report_curve *c, size_t room, as_report_point *out)
{
    const size_t stretches = room / 2;
    size_t n = 0;
    if (c->n <= room) {
        for (size_t i = 0; i < c->n; i++)
            out[i] = c->at[i];
        return c->n;
    }
    for (size_t i = 0; i < stretches; i++) {
        const size_t width = c->n / stretches, rest = c->n % stretches;
        const size_t begin = i * width + (i < rest ? i : rest);
        n += thin_stretch(c->at + begin, width + (i < rest), out + n);
    }
    return n;
}
