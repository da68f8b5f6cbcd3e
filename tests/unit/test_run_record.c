/* test_run_record.c -- manifest.json: kept and read back, which run goes on with which, and what is
 * none. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/log.h"
#include "data/run_record.h"
#include "temp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static as_run_record record(void)
{
    as_run_record r;
    as_err err = { 0 };
    assert_int_equal(as_run_record_new(&r, "verify", &err), 0);
    as_run_record_config(&r, "plugin", AS_LIT("\"math\""));
    as_run_record_config(&r, "options", AS_LIT("{\"b\":1,\"a\":[2]}"));
    as_run_record_seed(&r, "run", 18446744073709551615u);
    as_run_record_hash(&r, "in", as_sha256_of(AS_LIT("abc")));
    return r;
}

static void kept(void **state)
{
    as_err err = { 0 };
    as_run_record r = record(), back;
    (void)state;
    as_run_record_set(&r, "counts", AS_LIT("{\"pass\":3}"));
    as_run_record_set(&r, "counts", AS_LIT("{\"pass\":4}"));
    as_run_record_config(&r, "big", AS_LIT("9007199254740993")); /* kept as text, not rounded */
    assert_int_equal(as_run_record_save(&r, temp_path("manifest.json"), &err), 0);
    assert_int_equal(as_run_record_load(&back, temp_path("manifest.json"), &err), 0);
    assert_int_equal(as_run_record_continues(&back, &r, &err), 0);
    assert_int_equal(as_run_record_continues(&r, &back, &err), 0);
    cJSON *counts = cJSON_GetObjectItem(back.json, "counts"),
          *config = cJSON_GetObjectItem(back.json, "config");
    assert_int_equal((int)cJSON_GetNumberValue(cJSON_GetObjectItem(counts, "pass")), 4);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(config, "big")),
                        "9007199254740993");
    cJSON *seeds = cJSON_GetObjectItem(back.json, "seeds"),
          *hashes = cJSON_GetObjectItem(back.json, "hashes");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(seeds, "run")),
                        "18446744073709551615");
    assert_true(as_str_starts(as_str_of(cJSON_GetStringValue(cJSON_GetObjectItem(hashes, "in"))),
                              "ba7816bf"));
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(back.json, "schema")),
                        "assay.manifest/1");
    as_run_record_fini(&r);
    as_run_record_fini(&back);
    as_run_record_fini(&back);
}

static void differs(as_run_record *now, const char *text)
{
    as_err err = { 0 };
    as_run_record before = record();
    assert_int_equal(as_run_record_continues(&before, now, &err), AS_EUSAGE);
    if (!strstr(err.text, text) || !strstr(err.text, "--force"))
        fail_msg("\"%s\" does not say \"%s\"", err.text, text);
    as_run_record_fini(&before);
    as_run_record_fini(now);
    *now = record();
}

static char told[400]; /* the last warning */

static void keep_warning(void *data, as_log_level level, const char *line)
{
    (void)data;
    if (level == AS_LOG_WARN)
        (void)snprintf(told, sizeof told, "%s", line);
}

static void continues(void **state)
{
    as_err err = { 0 };
    as_run_record now = record(), other = record();
    (void)state;
    as_run_record_config(&now, "options",
                         AS_LIT("{\"a\":[2],\"b\":1.0}")); /* the same, written otherwise */
    as_run_record_set(&now, "counts", AS_LIT("{}"));       /* results may differ */
    assert_int_equal(as_run_record_continues(&other, &now, &err), 0);
    as_log_set(keep_warning, NULL, AS_LOG_WARN);
    as_run_record_set(&now, "computed_by", AS_LIT("{\"backend\":\"cpu\",\"level\":\"amx\"}"));
    assert_int_equal(as_run_record_continues(&other, &now, &err), 0);
    assert_string_equal(told, ""); /* records of before do not say */
    as_run_record_set(&other, "computed_by", AS_LIT("{\"backend\":\"cpu\",\"level\":\"amx\"}"));
    as_run_record_set(&now, "computed_by", AS_LIT("{\"level\":\"amx\",\"backend\":\"cpu\"}"));
    assert_int_equal(as_run_record_continues(&other, &now, &err), 0);
    assert_string_equal(told, "");
    as_run_record_set(&now, "computed_by", AS_LIT("{\"backend\":\"cpu\",\"level\":\"avx2\"}"));
    assert_int_equal(as_run_record_continues(&other, &now, &err), 0); /* told of, not refused */
    assert_non_null(strstr(told, "\"level\":\"amx\""));
    assert_non_null(strstr(told, "goes on by {\"backend\":\"cpu\",\"level\":\"avx2\"}"));
    as_log_set(NULL, NULL, AS_LOG_ERROR);
    as_run_record_config(&now, "plugin", AS_LIT("\"exact\""));
    differs(&now, "config.plugin: \"math\" then, \"exact\" now");
    as_run_record_config(&now, "extra", AS_LIT("1"));
    differs(&now, "config.extra: nothing then, 1 now");
    as_run_record_seed(&now, "run", 5);
    differs(&now, "seeds.run: ");
    as_run_record_hash(&now, "in", as_sha256_of(AS_LIT("abd")));
    differs(&now, "hashes.in: ");
    as_run_record_set(&now, "command", AS_LIT("\"vote\""));
    differs(&now, "command: \"verify\" then, \"vote\" now");
    as_run_record_fini(&now);
    as_run_record_fini(&other);
}

static void bad(void **state)
{
    static const char *const texts[] = { "",
                                         "{",
                                         "[]",
                                         "{\"schema\":\"other/1\"}",
                                         "{\"schema\":\"assay.manifest/1\"}",
                                         "{\"schema\":1,\"schema\":1}",
                                         "3" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        as_err err = { 0 };
        as_run_record r;
        assert_int_equal(as_file_write_atomic(temp_path("bad.json"), as_str_of(texts[i]), &err), 0);
        assert_int_equal(as_run_record_load(&r, temp_path("bad.json"), &err), AS_EDATA);
        assert_non_null(strstr(err.text, "bad.json: "));
        assert_null(r.json);
        assert_int_equal(as_run_record_save(&r, temp_path("never.json"), NULL), AS_ENOMEM);
        as_run_record_fini(&r);
    }
    as_run_record r;
    assert_int_equal(as_run_record_load(&r, temp_path("nothing.json"), NULL), AS_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(kept), cmocka_unit_test(continues),
                                        cmocka_unit_test(bad) };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
