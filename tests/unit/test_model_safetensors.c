/* test_model_safetensors.c -- safetensors: what is written comes back bit for bit; hostile headers
 * and shards are refused by name. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/safetensors.h"
#include "temp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Header and n bytes of data as a file's bytes, in a buffer of exactly that size. */
static as_str file_of(const char *json, size_t n, char **owner)
{
    uint64_t size = strlen(json);
    *owner = as_malloc(8 + size + n);
    assert_non_null(*owner);
    memcpy(*owner, &size, 8);
    memcpy(*owner + 8, json, size);
    memset(*owner + 8 + size, 7, n);
    return (as_str){ *owner, 8 + size + n };
}

static void test_of_peers(void **state)
{
    char path[600];
    as_safetensors *s;
    as_err err = { 0 };
    (void)state;
    (void)snprintf(path, sizeof path, "%s/tests/golden/models/tiny_llama/model.safetensors",
                   getenv("ASSAY_SOURCE"));
    if (as_safetensors_open(&s, path, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(as_safetensors_count(s), 3 + 2 * 9);
    const as_safetensor *t = as_safetensors_find(s, "lm_head.weight");
    assert_non_null(t);
    assert_true(t->n_dims == 2 && t->dims[0] == 384 && t->dims[1] == 64);
    assert_true(t->dtype == AS_F32 && t->n == 384L * 64 && t->n_bytes == t->n * 4);
    assert_string_equal(t->file, path);
    t = as_safetensors_find(s, "model.norm.weight");
    assert_non_null(t);
    assert_true(t->n_dims == 1 && t->dims[0] == 64);
    assert_null(as_safetensors_find(s, "model.norm"));
    as_arena arena;
    as_arena_init(&arena, 0);
    assert_string_equal(as_safetensors_metadata(s, "format", &arena).data, "pt");
    assert_null(as_safetensors_metadata(s, "nothing", &arena).data);
    as_arena_fini(&arena);
    as_safetensors_close(s);
}

static void test_round_trip(void **state)
{
    float f[7] = { 1, -0.0F, 3.25F, (float)NAN, 1e-45F, 0, 65504 };
    uint64_t ids[2] = { 1, UINT64_MAX };
    uint16_t half[3];
    const as_safetensors_item items[] = {
        { "b", AS_F32, AS_F32, 1, { 7 }, f },
        { "a \"quoted\"\n\xc3\xa9", AS_U64, AS_U64, 2, { 2, 1 }, ids },
        { "scalar", AS_F16, AS_F32, 0, { 0 }, &f[2] },
        { "nothing", AS_BF16, AS_F32, 3, { 4, 0, 5 }, NULL },
        { "halves", AS_BF16, AS_F32, 1, { 3 }, f },
    };
    const as_safetensors_pair pairs[] = { { "format", "pt" }, { "k\"", "v\n" } };
    as_safetensors *s;
    as_err err = { 0 };
    as_buf bytes;
    (void)state;
    assert_int_equal(as_safetensors_write(temp_path("r"), items, 5, pairs, 2, &err), 0);
    assert_int_equal(as_safetensors_open(&s, temp_path("r"), &err), 0);
    assert_int_equal(as_safetensors_count(s), 5);
    for (size_t i = 0; i < 5; i++) {
        const as_safetensor *t = as_safetensors_find(s, items[i].name);
        assert_non_null(t);
        assert_true(t->dtype == items[i].dtype && t->n_dims == items[i].n_dims);
        assert_memory_equal(t->dims, items[i].dims, t->n_dims * sizeof *t->dims);
        if (items[i].dtype == items[i].data_dtype)
            assert_memory_equal(t->data, items[i].data, t->n_bytes);
    }
    as_convert(half, AS_BF16, f, AS_F32, 3);
    assert_memory_equal(as_safetensors_find(s, "halves")->data, half, sizeof half);
    as_convert(half, AS_F16, &f[2], AS_F32, 1);
    assert_memory_equal(as_safetensors_find(s, "scalar")->data, half, 2);
    assert_int_equal(as_safetensors_find(s, "nothing")->n, 0);
    assert_int_equal(as_safetensors_find(s, "scalar")->n, 1);
    as_safetensors_close(s);
    as_buf_init(&bytes, 1 << 16); /* the data begin at a multiple of 8, for those who map them */
    assert_int_equal(as_file_read(temp_path("r"), &bytes, &err), 0);
    uint64_t n;
    memcpy(&n, bytes.data, 8);
    assert_int_equal(n % 8, 0);
    as_buf_fini(&bytes);

    assert_int_equal(as_safetensors_write(temp_path("none"), NULL, 0, NULL, 0, &err), 0);
    assert_int_equal(as_safetensors_open(&s, temp_path("none"), &err), 0);
    assert_int_equal(as_safetensors_count(s), 0);
    assert_null(as_safetensors_find(s, "b"));
    as_safetensors_close(s);
}

static void test_large_values(void **state)
{
    float f[] = { 1, (float)INFINITY, 70000, 2 };
    as_safetensors_item item = { "w", AS_F16, AS_F32, 1, { 4 }, f };
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_safetensors_write(temp_path("large"), &item, 1, NULL, 0, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "tensor \"w\": 70000 does not fit into F16"));
    assert_int_not_equal(access(temp_path("large"), F_OK), 0);
    err = (as_err){ 0 };
    item.dtype = AS_BF16;
    assert_int_equal(as_safetensors_write(temp_path("large"), &item, 1, NULL, 0, &err), 0);
    item.dims[0] = -1;
    assert_int_equal(as_safetensors_write(temp_path("large"), &item, 1, NULL, 0, &err), AS_EDATA);
}

#define T(dtype, shape, offsets)                                                                   \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static void test_hostile_headers(void **state)
{
    static const struct {
        const char *json;
        size_t n;
        const char *says; /* NULL: fine */
    } cases[] = {
        { "{}", 0, NULL },
        { "{}      ", 0, NULL },
        { "{\"__metadata__\":{}}", 0, NULL },
        { "{\"a\":" T("F32", "[]", "[0,4]") "}", 4, NULL },
        { "{\"a\":" T("F32", "[0]", "[0,0]") ",\"b\":" T("U8", "[3]", "[0,3]") "}", 3, NULL },
        /* the order of the header is not that of the data */
        { "{\"a\":" T("U8", "[2]", "[1,3]") ",\"b\":" T("U8", "[1]", "[0,1]") "}", 3, NULL },
        { "{\"a\":{\"more\":1,\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, NULL },
        { "{}", 1, "x: 1 bytes follow the last tensor" },
        { "", 0, "x: header: column 1" },
        { "[]", 0, "x: the header is not a JSON object" },
        { "{\"a\":3}", 0, "x: tensor \"a\": not an object" },
        { "{\"a\":{}}", 0, "x: tensor \"a\": \"dtype\", \"shape\" or \"data_offsets\" is missing" },
        { "{\"a\":" T("F31", "[1]", "[0,4]") "}", 4, "\"dtype\" is not implemented (known: F64" },
        { "{\"a\":" T("F32F32F32F32", "[1]", "[0,4]") "}", 4, "\"dtype\" is not implemented" },
        { "{\"a\":" T("F32", "3", "[0,4]") "}", 4, "\"shape\" is not an array" },
        { "{\"a\":" T("F32", "[-1]", "[0,4]") "}", 4, "\"shape\" holds something else than sizes" },
        { "{\"a\":" T("F32", "[1.0]", "[0,4]") "}", 4, "\"shape\" holds something else" },
        { "{\"a\":" T("F32", "[9223372036854775808]", "[0,4]") "}", 4,
          "something else than sizes" },
        { "{\"a\":" T("U8", "[4294967296,4294967296]", "[0,0]") "}", 0,
          "more elements than memory" },
        { "{\"a\":" T("F32", "[4611686018427387904]", "[0,0]") "}", 0,
          "more elements than memory" },
        { "{\"a\":" T("U8", "[1,1,1,1,1,1,1,1,1]", "[0,1]") "}", 1, "more than 8 dimensions" },
        { "{\"a\":" T("U8", "[1]", "3") "}", 1, "\"data_offsets\" is not an array" },
        { "{\"a\":" T("U8", "[1]", "[0]") "}", 1, "\"data_offsets\" is not a begin and an end" },
        { "{\"a\":" T("U8", "[1]", "[0,1,1]") "}", 1, "\"data_offsets\" is not two sizes" },
        { "{\"a\":" T("U8", "[1]", "[1,0]") "}", 1, "\"data_offsets\" is not a begin and an end" },
        { "{\"a\":" T("U8", "[1]", "[0,-1]") "}", 1, "\"data_offsets\" is not two sizes" },
        { "{\"a\":" T("U8", "[2]", "[0,1]") "}", 1, "its shape does not fit the size of its data" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") "}", 1, "behind the end of the file (truncated?" },
        { "{\"a\":" T("U8", "[1]", "[1,2]") "}", 2, "there is a gap before its data" },
        { "{\"a\":" T("U8", "[2]", "[0,2]") ",\"b\":" T("U8", "[2]", "[1,3]") "}", 3,
          "tensor \"b\": its data overlap those of another tensor" },
        { "{\"a\":" T("U8", "[1]", "[0,1]") ",\"b\":" T("U8", "[1]", "[0,1]") "}", 1,
          "tensor \"b\": its data overlap" },
        { "{\"a\":" T("U8", "[1]", "[0,1]") ",\"\\u0061\":" T("U8", "[1]", "[1,2]") "}", 2,
          "x: tensor \"a\" stands twice" },
        { "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
          "one of its keys stands twice" },
        { "{\"a\":" T("U8", "[1]", "[18446744073709551615,18446744073709551615]") "}", 1, "a gap" },
        { "{\"__metadata__\":3}", 0, "\"__metadata__\" is not an object" },
        { "{\"__metadata__\":{\"a\":1}}", 0, "holds something else than texts" },
        { "{\"a\\n\\u001b[31m\":3}", 0, "x: tensor \"a??[31m\": not an object" },
        { "{\"\xff\":3}", 0, "x: header: column 3" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        as_safetensors *s = NULL;
        as_err err = { 0 };
        char *owner;
        as_str bytes = file_of(cases[i].json, cases[i].n, &owner);
        int rc = as_safetensors_of(&s, bytes, "x", &err);
        assert_int_equal(rc, cases[i].says ? AS_EDATA : 0);
        assert_true((rc == 0) == (s != NULL));
        if (cases[i].says && !strstr(err.text, cases[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, cases[i].says);
        as_safetensors_close(s);
        as_free(owner);
    }
}

static void test_sizes_of_header(void **state)
{
    static const struct {
        uint64_t n;
        size_t len;
        const char *says;
    } cases[] = {
        { 2, 7, "x: 7 bytes are no safetensors file" },
        { 2, 0, "x: 0 bytes are no safetensors file" },
        { 3, 10, "x: ends within its header of 3 bytes" },
        { UINT64_MAX, 10, "above the limit of 100000000" },
        { 100000001, 10, "above the limit of 100000000" },
        { 100000000, 10, "ends within its header" },
        { 0, 8, "x: header: column 1" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        as_safetensors *s;
        as_err err = { 0 };
        char bytes[16] = "........{}";
        memcpy(bytes, &cases[i].n, 8);
        char *exact = as_malloc(cases[i].len + 1);
        memcpy(exact, bytes, cases[i].len);
        assert_int_equal(as_safetensors_of(&s, (as_str){ exact, cases[i].len }, "x", &err),
                         AS_EDATA);
        if (!strstr(err.text, cases[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, cases[i].says);
        as_free(exact);
    }
}

/* Names are found in constant time: a quadratic walk over 60,000 would take minutes under asan. */
static void test_many_tensors(void **state)
{
    enum { N = 60000 };
    as_safetensors_item *items = as_calloc(N, sizeof *items);
    char(*names)[32] = as_calloc(N, sizeof *names);
    as_safetensors *s;
    as_err err = { 0 };
    unsigned char byte = 9;
    (void)state;
    for (unsigned i = 0; i < N; i++) {
        (void)snprintf(names[i], sizeof names[i], "tensor.%u", i * 7919 % N);
        items[i] = (as_safetensors_item){ names[i], AS_U8, AS_U8, 1, { 1 }, &byte };
    }
    assert_int_equal(as_safetensors_write(temp_path("many"), items, N, NULL, 0, &err), 0);
    assert_int_equal(as_safetensors_open(&s, temp_path("many"), &err), 0);
    for (unsigned i = 0; i < N; i++)
        assert_string_equal(as_safetensors_find(s, names[i])->name.data, names[i]);
    as_safetensors_close(s);
    as_free(names);
    as_free(items);
}

static void test_files(void **state)
{
    as_safetensors *s;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_safetensors_open(&s, temp_path("absent"), &err), AS_EIO);
    assert_non_null(strstr(err.text, "absent: No such file"));
    err = (as_err){ 0 };
    assert_int_equal(as_safetensors_open(&s, temp_folder, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "not a regular file"));
    err = (as_err){ 0 };
    assert_int_equal(mkfifo(temp_path("pipe"), 0600), 0);
    assert_int_equal(as_safetensors_open(&s, temp_path("pipe"), &err), AS_EDATA);
    err = (as_err){ 0 };
    assert_int_equal(as_file_write_atomic(temp_path("empty"), AS_LIT(""), &err), 0);
    assert_int_equal(as_safetensors_open(&s, temp_path("empty"), &err), AS_EDATA);
    assert_non_null(strstr(err.text, "0 bytes are no safetensors file"));
    err = (as_err){ 0 };
    assert_int_equal(as_safetensors_open_folder(&s, temp_folder, &err), AS_EIO);
    assert_non_null(strstr(err.text, "neither model.safetensors nor model.safetensors.index.json"));
}

/* ---- shards ---- */

static int open_sharded(const char *index, as_safetensors **s, as_err *err)
{
    *err = (as_err){ 0 };
    assert_int_equal(
        as_file_write_atomic(temp_path("sh/model.safetensors.index.json"), as_str_of(index), NULL),
        0);
    return as_safetensors_open_folder(s, temp_path("sh"), err);
}

static void test_shards(void **state)
{
    static const struct {
        const char *index;
        int rc;
        const char *says;
    } bad[] = {
        { "{\"weight_map\":{\"a\":\"2\"}}", AS_EDATA, "sh/2: tensor \"a\" is not in " },
        { "{\"weight_map\":{\"a\":\"../r\"}}", AS_EDATA,
          "\"weight_map\": ../r is no name of a file" },
        { "{\"weight_map\":{\"a\":\"..\"}}", AS_EDATA, ".. is no name of a file beside it" },
        { "{\"weight_map\":{\"a\":\"1\\u0000\"}}", AS_EDATA, "is no name of a file beside it" },
        { "{\"weight_map\":{\"a\":\"\"}}", AS_EDATA, "is no name of a file beside it" },
        { "{\"weight_map\":{\"a\":1}}", AS_EDATA, "a value is no name of a file beside it" },
        { "{\"weight_map\":{\"a\":\"absent\"}}", AS_EIO, "sh/absent: No such file" },
        { "{\"weight_map\":{\"a\":\"1\",\"b\":\"3\"}}", AS_EDATA, "\"a\" stands twice, also in " },
        { "{\"weight_map\":[]}", AS_EDATA, "no object \"weight_map\"" },
        { "[]", AS_EDATA, "no object \"weight_map\"" },
        { "{\"weight_map\":{", AS_EDATA, "index.json: column " },
    };
    float x[2] = { 1, 2 };
    const as_safetensors_item a = { "a", AS_F32, AS_F32, 1, { 1 }, &x[0] };
    const as_safetensors_item b = { "b", AS_F32, AS_F32, 1, { 1 }, &x[1] };
    const as_safetensors_item both[2] = { a, b };
    as_safetensors *s;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(mkdir(temp_path("sh"), 0700), 0);
    assert_int_equal(as_safetensors_write(temp_path("sh/1"), &a, 1, NULL, 0, &err), 0);
    assert_int_equal(as_safetensors_write(temp_path("sh/2"), &b, 1, NULL, 0, &err), 0);
    assert_int_equal(as_safetensors_write(temp_path("sh/3"), both, 2, NULL, 0, &err), 0);
    assert_int_equal(
        open_sharded("{\"metadata\":{},\"weight_map\":{\"b\":\"2\",\"a\":\"1\"}}", &s, &err), 0);
    assert_int_equal(as_safetensors_count(s), 2);
    assert_memory_equal(as_safetensors_find(s, "a")->data, &x[0], 4);
    assert_memory_equal(as_safetensors_find(s, "b")->data, &x[1], 4);
    as_safetensors_close(s);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(open_sharded(bad[i].index, &s, &err), bad[i].rc);
        assert_null(s);
        if (!strstr(err.text, bad[i].says))
            fail_msg("case %zu: %s\n lacks: %s", i, err.text, bad[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_peers),        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_large_values),    cmocka_unit_test(test_hostile_headers),
        cmocka_unit_test(test_sizes_of_header), cmocka_unit_test(test_many_tensors),
        cmocka_unit_test(test_files),           cmocka_unit_test(test_shards),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
