/* rate.c -- an interval that stays honest at zero errors. SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

#include <math.h>

/* E. B. Wilson, JASA 22 (1927): the score interval. At 0 of n its upper end is z^2 / (n + z^2). */
as_rate as_rate_of(uint64_t wrong, uint64_t n)
{
    const double z = 1.959963984540054;
    if (n == 0)
        return (as_rate){ (double)NAN, 0, 1 };
    double size = (double)n, p = (double)wrong / size;
    double centre = (p + z * z / (2 * size)) / (1 + z * z / size);
    double half = z / (1 + z * z / size) * sqrt(p * (1 - p) / size + z * z / (4 * size * size));
    double low = wrong == 0 ? 0 : centre - half;
    double high = wrong == n ? 1 : centre + half;
    return (as_rate){ p, low < 0 ? 0 : low, high > 1 ? 1 : high };
}
