/* fuzz_jinja.c -- any bytes as a template, a NUL, and messages as JSON. It is refused with its
 * line, or ends within its bounds with text that is UTF-8, the same the second time.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/jinja.h"

#include "fuzz.h"
#include "fuzz_clock.h"

static int render(const as_jinja *j, as_str messages, as_buf *out, as_err *err)
{
    const as_jinja_variable v[] = { { "messages", messages },
                                    { "add_generation_prompt", AS_LIT("true") },
                                    { "bos_token", AS_LIT("\"<s>\"") },
                                    { "tools", AS_LIT("null") } };
    const as_jinja_options options = { v, 4, 1700000000 };
    as_jinja_spans spans = { 0 };
    int rc = as_jinja_render(j, &options, out, &spans, err);
    size_t at = 0;
    for (size_t i = 0; i < spans.n; i++) {
        FUZZ_CHECK(spans.spans[i][0] <= spans.spans[i][1] && spans.spans[i][1] <= out->len);
        FUZZ_CHECK(spans.spans[i][1] >= at);
        at = spans.spans[i][0];
    }
    as_jinja_spans_fini(&spans);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    const char *nul = size ? memchr(bytes, 0, size) : NULL;
    as_str template = { bytes, nul ? (size_t)(nul - bytes) : size };
    as_str messages = nul ? (as_str){ nul + 1, size - template.len - 1 }
                          : AS_LIT("[{\"role\":\"user\",\"content\":\" h\\u00e9 "
                                   "\"},{\"role\":\"assistant\",\"content\":\"x</think>y\"}]");
    as_jinja *j;
    as_err err = { 0 };
    double start = fuzz_now_ms();
    if (as_jinja_parse(&j, template, "fuzz", &err) < 0) {
        FUZZ_CHECK(err.code == AS_EDATA && strncmp(err.text, "fuzz: ", 6) == 0);
        return 0;
    }
    as_buf out, again;
    as_buf_init(&out, 1u << 30);
    as_buf_init(&again, 1u << 30);
    int rc = render(j, messages, &out, &err);
    FUZZ_CHECK(rc == 0 || rc == AS_EDATA || rc == AS_EBUDGET);
    FUZZ_CHECK(rc == 0 ? err.code == 0
                       : err.code == rc && out.len == 0 && strncmp(err.text, "fuzz: ", 6) == 0);
    FUZZ_CHECK(as_utf8_valid(as_buf_str(&out)) == out.len);
    fuzz_check_quick(start, "a template");
    if (rc == 0) {
        FUZZ_CHECK(render(j, messages, &again, &err) == 0);
        FUZZ_CHECK(as_str_eq(as_buf_str(&out), as_buf_str(&again)));
    }
    as_buf_fini(&out);
    as_buf_fini(&again);
    as_jinja_free(j);
    return 0;
}
