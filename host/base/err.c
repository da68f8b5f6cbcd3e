/* err.c -- error records and the table that maps codes to exit statuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code, exit_status;
    const char *sentence;
} table[] = {
#define AS_X(name, value, exit_status, sentence) { (value), (exit_status), (sentence) },
    AS_ERROR_TABLE(AS_X)
#undef AS_X
};

int(as_fail)(as_err *err, int code, const char *format, ...)
{
    if (!err || err->code != 0)
        return code;
    err->code = code;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    return code;
}

void as_err_prefix(as_err *err, const char *format, ...)
{
    if (!err || err->code == 0)
        return;
    char old[sizeof err->text];
    memcpy(old, err->text, sizeof old);
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(err->text, sizeof err->text, format, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->text)
        (void)snprintf(err->text + n, sizeof err->text - (size_t)n, ": %s", old);
}

int(as_fail_errno)(as_err *err, const char *format, ...)
{
    int saved = errno, code = AS_EIO;
    if (saved == ENOSPC || saved == EDQUOT || saved == EFBIG)
        code = AS_EBUDGET;
    else if (saved == ENOMEM)
        code = AS_ENOMEM;
    char what[400], why[96];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    /* _GNU_SOURCE is set for the whole host: this is the variant that returns the text */
    const char *text = strerror_r(saved, why, sizeof why);
    return as_fail(err, code, "%s: %s", what, text);
}

int as_exit_status(int code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].exit_status;
    return 2;
}

const char *as_err_sentence(int code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].code == code)
            return table[i].sentence;
    return "unknown error";
}
