/* kl.c -- see kl.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/kl.h"

#include <math.h>

enum { MOST_EXPONENT = 20, MOST_K3 = 10 };

static double hold(double x, double most)
{
    return fmin(fmax(x, -most), most);
}

double as_kl(as_kl_kind kind, double logp, double ref_logp)
{
    const double x = logp - ref_logp, held = hold(-x, MOST_EXPONENT);
    switch (kind) {
    case AS_KL_ABS:
        return fabs(x);
    case AS_KL_K2:
        return x * x / 2;
    case AS_KL_K3:
    case AS_KL_K3_PLUS:
        return hold(exp(held) - held - 1, MOST_K3);
    case AS_KL_K1:
        break;
    }
    return x;
}

double as_kl_gradient(as_kl_kind kind, double logp, double ref_logp)
{
    const double x = logp - ref_logp, held = hold(-x, MOST_EXPONENT);
    switch (kind) {
    case AS_KL_ABS:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case AS_KL_K2:
    case AS_KL_K3_PLUS:
        return x;
    case AS_KL_K3:
        return held != -x || exp(held) - held - 1 > MOST_K3 ? 0 : 1 - exp(-x);
    case AS_KL_K1:
        break;
    }
    return 1;
}

double as_kl_adapt(double beta, double kl, double target, double n, double horizon)
{
    return beta * (1 + hold(kl / target - 1, 0.2) * n / horizon);
}
