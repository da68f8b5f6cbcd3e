/* test_base.c -- the base room: errors, text, buffers, arenas, hashes, randomness, files, paths,
 * processes, log. SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/rng.h"
#include "temp.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

/* ---- err, mem ---- */

static void test_err(void **state)
{
    as_err err = { 0 };
    (void)state;
    as_err_prefix(&err, "nothing");
    assert_string_equal(err.text, "");
    assert_int_equal(as_fail(&err, AS_EDATA, "line %d", 3), AS_EDATA);
    assert_int_equal(as_fail(&err, AS_EIO, "later"), AS_EIO);
    assert_int_equal(err.code, AS_EDATA);
    as_err_prefix(&err, "%s", "file");
    assert_string_equal(err.text, "file: line 3");
    assert_int_equal(as_fail(NULL, AS_EIO, "nobody listens"), AS_EIO);
    as_err_prefix(NULL, "x");

    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    as_err cut = { 0 };
    as_fail(&cut, AS_EIO, "%s", longer);
    assert_int_equal(strlen(cut.text), sizeof cut.text - 1);
    as_err_prefix(&cut, "%s", longer);
    assert_int_equal(strlen(cut.text), sizeof cut.text - 1);
}

static void test_err_table(void **state)
{
    static const struct {
        int number, code;
    } of_errno[] = { { ENOSPC, AS_EBUDGET },
                     { EDQUOT, AS_EBUDGET },
                     { EFBIG, AS_EBUDGET },
                     { ENOMEM, AS_ENOMEM },
                     { ENOENT, AS_EIO } };
    (void)state;
    for (size_t i = 0; i < sizeof of_errno / sizeof *of_errno; i++) {
        as_err err = { 0 };
        errno = of_errno[i].number;
        assert_int_equal(as_fail_errno(&err, "%s", "what"), of_errno[i].code);
        assert_true(as_str_starts(as_str_of(err.text), "what: "));
        assert_true(strlen(err.text) > 10);
    }
    assert_int_equal(as_exit_status(AS_OK), 0);
    assert_int_equal(as_exit_status(AS_EGATE), 1);
    assert_int_equal(as_exit_status(AS_EUSAGE), 2);
    assert_int_equal(as_exit_status(AS_EDATA), 3);
    assert_int_equal(as_exit_status(AS_EINTR), 130);
    assert_int_equal(as_exit_status(AS_ETERM), 143);
    assert_int_equal(as_exit_status(-999), 2);
    assert_string_equal(as_err_sentence(AS_EPLUGIN), "plugin error");
    assert_string_equal(as_err_sentence(-999), "unknown error");
}

static void test_mem(void **state)
{
    size_t n = 0;
    (void)state;
    assert_false(as_mul_ok(SIZE_MAX, 2, &n));
    assert_true(as_mul_ok(3, 4, &n) && n == 12);
    assert_false(as_add_ok(SIZE_MAX, 1, &n));
    assert_null(as_calloc(SIZE_MAX / 2, 4));
    assert_null(as_realloc_array(NULL, SIZE_MAX / 2, 4));
    assert_null(as_strndup("x", SIZE_MAX));
    AS_CLEANUP(free) char *s = as_strdup("hello");
    assert_string_equal(s, "hello");
    AS_CLEANUP(free) char *taken = AS_STEAL(s);
    assert_null(s);
    assert_string_equal(taken, "hello");
    AS_CLEANUP(free) void *nothing = as_malloc(0);
    assert_non_null(nothing);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int copy = fd;
    errno = 77;
    as_cleanup_close(&fd);
    assert_int_equal(errno, 77);
    assert_int_equal(fd, -1);
    as_cleanup_close(&fd);
    assert_int_equal(fcntl(copy, F_GETFD), -1);
}

/* ---- str ---- */

static void test_str(void **state)
{
    (void)state;
    assert_int_equal(as_str_cmp(AS_LIT("a"), AS_LIT("b")), -1);
    assert_int_equal(as_str_cmp(AS_LIT("ab"), AS_LIT("a")), 1);
    assert_int_equal(as_str_cmp(AS_LIT("\xFF"), AS_LIT("a")), 1);
    assert_int_equal(as_str_cmp(AS_LIT(""), (as_str){ NULL, 0 }), 0);
    assert_true(as_str_is(as_str_trim(AS_LIT(" \t\r\n\f\va b \n")), "a b"));
    assert_int_equal(as_str_trim(AS_LIT("  ")).len, 0);
    assert_true(as_str_starts(AS_LIT("prefix"), "pre") && !as_str_starts(AS_LIT("pr"), "pre"));
    assert_true(as_str_ends(AS_LIT("x.gz"), ".gz") && !as_str_ends(AS_LIT("gz"), ".gz"));
    assert_true(as_str_is_blank((as_str){ NULL, 0 }) && as_str_is_blank(AS_LIT(" \t")));
    assert_false(as_str_is_blank(AS_LIT(" x")));
    assert_false(as_str_is_blank(AS_LIT("\0")));
    assert_true(as_str_eq(AS_LIT("a\0b"), AS_LIT("a\0b")) &&
                !as_str_eq(AS_LIT("a\0b"), AS_LIT("a\0c")));
    assert_int_equal(as_utf8_valid(AS_LIT("12345678\xC3\xA9"
                                          "12345678\xFF")),
                     18);
    assert_int_equal(as_utf8_valid((as_str){ NULL, 0 }), 0);
}

static void test_str_numbers(void **state)
{
    unsigned long long u = 0;
    double d = 0;
    static const char *const bad[] = { "",      " 1",  "1 ", "0x10", "nan", "inf",
                                       "1e999", "1,5", "-",  "e1",   "1e",  "1.2.3" };
    (void)state;
    assert_true(as_str_u64(AS_LIT("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(as_str_u64(AS_LIT("18446744073709551616"), &u));
    assert_false(as_str_u64(AS_LIT("-1"), &u));
    assert_false(as_str_u64(AS_LIT("+1"), &u));
    assert_false(as_str_u64(AS_LIT("1\0"), &u));
    assert_false(as_str_u64(AS_LIT(""), &u));
    assert_true(as_str_double(AS_LIT("-1.5e2"), &d) && d == -150.0);
    assert_true(as_str_double(AS_LIT(".5"), &d) && d == 0.5);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (as_str_double(as_str_of(bad[i]), &d))
            fail_msg("\"%s\" was taken for a number", bad[i]);
    assert_false(as_str_double(AS_LIT("1\0"), &d));
}

static void test_distance(void **state)
{
    (void)state;
    assert_int_equal(as_str_distance("", "", 3), 0);
    assert_int_equal(as_str_distance("verify", "verify", 3), 0);
    assert_int_equal(as_str_distance("verfiy", "verify", 3), 1); /* two letters changed places */
    assert_int_equal(as_str_distance("tolerence", "tolerance", 3), 1);
    assert_int_equal(as_str_distance("vote", "note", 3), 1);
    assert_int_equal(as_str_distance("", "abc", 3), 3);
    assert_int_equal(as_str_distance("kitten", "sitting", 9), 3);
    assert_int_equal(as_str_distance("kitten", "sitting", 2), 3); /* cut at limit + 1 */
    assert_int_equal(as_str_distance("a", "0123456789012345678901234567890123456789012345678", 2),
                     3);
}

/* ---- arena ---- */

static void test_arena(void **state)
{
    as_arena a;
    (void)state;
    as_arena_init(&a, 0);
    for (size_t i = 1; i < 5000; i += 37) {
        unsigned char *p = as_arena_alloc(&a, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        memset(p, 0xAB, i);
    }
    assert_non_null(as_arena_alloc(&a, 0));
    assert_non_null(as_arena_alloc(&a, 5u << 20));
    unsigned char *z = as_arena_calloc(&a, 10, 10);
    for (int i = 0; i < 100; i++)
        assert_int_equal(z[i], 0);
    assert_null(as_arena_calloc(&a, SIZE_MAX / 2, 4));
    assert_null(as_arena_alloc(&a, SIZE_MAX));
    as_str s = as_arena_str(&a, AS_LIT("a\0b"));
    assert_true(as_str_eq(s, AS_LIT("a\0b")) && s.data[3] == 0);
    assert_null(as_arena_str(&a, (as_str){ NULL, 0 }).data);
    assert_non_null(as_arena_str(&a, AS_LIT("")).data);
    assert_true(as_str_is(as_arena_fmt(&a, "%d-%s", 7, "x"), "7-x"));
    as_arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(as_arena_alloc(&a, 100));
    as_arena_reset(&a);
    as_arena_fini(&a);
    as_arena_fini(&a);
}

static void test_arena_limit(void **state)
{
    as_arena a;
    (void)state;
    as_arena_init(&a, 64);
    assert_non_null(as_arena_alloc(&a, 48));
    assert_null(as_arena_alloc(&a, 17));
    assert_non_null(as_arena_alloc(&a, 16));
    assert_null(as_arena_alloc(&a, 1));
    assert_null(as_arena_fmt(&a, "%s", "no room").data);
    as_arena_reset(&a);
    assert_non_null(as_arena_alloc(&a, 64));
    as_arena_fini(&a);
}

/* ---- buf ---- */

static void test_buf(void **state)
{
    as_buf b;
    as_err err = { 0 };
    (void)state;
    as_buf_init(&b, 1000);
    assert_true(as_str_is(as_buf_str(&b), ""));
    as_buf_text(&b, "a");
    as_buf_byte(&b, 'b');
    as_buf_addf(&b, "%03d", 7);
    as_buf_u64(&b, 0);
    as_buf_u64(&b, UINT64_MAX);
    assert_string_equal(b.data, "ab007018446744073709551615");
    as_buf_clear(&b);
    as_buf_raw_u32(&b, 0x04030201);
    as_buf_raw_u64(&b, 0x0807060504030201);
    assert_memory_equal(b.data, "\1\2\3\4\1\2\3\4\5\6\7\10", 12);
    assert_int_equal(as_buf_check(&b, &err), 0);
    as_buf_fini(&b);
}

static void test_buf_max(void **state)
{
    as_buf b;
    as_err err = { 0 };
    (void)state;
    as_buf_init(&b, 4);
    as_buf_text(&b, "1234");
    assert_false(b.failed);
    as_buf_byte(&b, '5');
    assert_true(b.failed);
    as_buf_text(&b, ""); /* sticky */
    assert_true(b.failed);
    assert_string_equal(b.data, "1234");
    assert_int_equal(as_buf_check(&b, &err), AS_ENOMEM);
    as_buf_clear(&b);
    as_buf_addf(&b, "%s", "12345");
    assert_true(b.failed);
    as_buf_clear(&b);
    assert_true(as_buf_reserve(&b, 4));
    assert_false(as_buf_reserve(&b, SIZE_MAX));
    as_buf_fini(&b);
}

static void json_is(as_str in, const char *expected)
{
    as_buf b;
    as_buf_init(&b, 1000);
    as_buf_json_str(&b, in);
    assert_string_equal(b.data, expected);
    as_buf_fini(&b);
}

static void test_buf_json_str(void **state)
{
    (void)state;
    json_is(AS_LIT(""), "\"\"");
    json_is((as_str){ NULL, 0 }, "\"\"");
    json_is(AS_LIT("plain"), "\"plain\"");
    json_is(AS_LIT("\"\\\b\f\n\r\t/"), "\"\\\"\\\\\\b\\f\\n\\r\\t/\"");
    json_is(AS_LIT("a\0\x1F\x7F"), "\"a\\u0000\\u001f\\u007f\"");
    json_is(AS_LIT("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    json_is(AS_LIT("a\xFF"
                   "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
    json_is(AS_LIT("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    json_is(AS_LIT("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_buf_json_numbers(void **state)
{
    static const double doubles[] = {
        0.1, 1.0 / 3, 1e21, 1e-7, 123456789012345680.0, 5e-324, 1.7976931348623157e308, -2.5
    };
    as_buf b;
    (void)state;
    as_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        as_buf_clear(&b);
        as_buf_json_num(&b, doubles[i]);
        assert_true(strtod(b.data, NULL) == doubles[i]);
    }
    as_buf_clear(&b);
    as_buf_json_num(&b, 0.1);
    as_buf_byte(&b, ' ');
    as_buf_json_num(&b, 100);
    as_buf_byte(&b, ' ');
    as_buf_json_num(&b, (double)NAN);
    as_buf_byte(&b, ' ');
    as_buf_json_num(&b, -HUGE_VAL);
    assert_string_equal(b.data, "0.1 100 null null");
    as_buf_clear(&b);
    as_buf_json_float(&b, 0.0F);
    as_buf_json_float(&b, 1.0F);
    as_buf_byte(&b, ' ');
    as_buf_json_float(&b, 0.1F);
    as_buf_byte(&b, ' ');
    as_buf_json_float(&b, -1.0F);
    as_buf_byte(&b, ' ');
    as_buf_json_float(&b, NAN);
    as_buf_byte(&b, ' ');
    as_buf_json_float(&b, 16777217.0F);
    assert_string_equal(b.data, "01 0.1 -1 null 16777216");
    as_buf_fini(&b);
}

static void test_buf_json_key(void **state)
{
    as_buf b;
    (void)state;
    as_buf_init(&b, 1000);
    as_buf_byte(&b, '{');
    as_buf_json_key(&b, "a");
    as_buf_byte(&b, '1');
    as_buf_json_key(&b, "b\"");
    as_buf_text(&b, "[]}");
    assert_string_equal(b.data, "{\"a\":1,\"b\\\"\":[]}");
    as_buf_fini(&b);
}

/* A program that embeds us may have set a locale with a decimal comma. */
static void test_locale(void **state)
{
    static const char *const commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8",
                                          "ru_RU.UTF-8" };
    bool set = false;
    double d = 0;
    as_buf b;
    (void)state;
    for (size_t i = 0; i < sizeof commas / sizeof *commas && !set; i++)
        set = setlocale(LC_NUMERIC, commas[i]) != NULL;
    if (!set) /* the rest still holds, and proves less */
        print_message("no locale with a decimal comma is installed\n");
    as_buf_init(&b, 100);
    as_buf_json_num(&b, 2.5);
    assert_string_equal(b.data, "2.5");
    assert_true(as_str_double(AS_LIT("2.5"), &d) && d == 2.5);
    as_buf_fini(&b);
    (void)setlocale(LC_NUMERIC, "C");
}

/* ---- hash ---- */

static void digest_is(as_digest d, const char *hex)
{
    char text[65];
    as_digest_hex(d, text);
    assert_string_equal(text, hex);
}

static void test_hash(void **state)
{
    (void)state;
    digest_is(as_sha256_of(AS_LIT("")),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    digest_is(as_sha256_of(AS_LIT("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(as_hash64(AS_LIT(""), 0) ==
                0x2D06800538D394C2u); /* the XXH3 specification's value */
    assert_true(as_hash64((as_str){ NULL, 0 }, 0) == as_hash64(AS_LIT(""), 0));
    assert_true(as_hash64(AS_LIT("a"), 0) != as_hash64(AS_LIT("a"), 1));
    as_err err = { 0 };
    as_digest d;
    const char *path = temp_path("abc");
    assert_int_equal(as_file_write_atomic(path, AS_LIT("abc"), &err), 0);
    assert_int_equal(as_sha256_file(path, &d, &err), 0);
    digest_is(d, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(as_sha256_file(temp_path("none"), &d, &err), AS_EIO);
}

static as_digest fields(as_str a, as_str b)
{
    as_sha256 h;
    as_sha256_init(&h);
    as_sha256_field(&h, a);
    as_sha256_field(&h, b);
    return as_sha256_end(&h);
}

static void test_hash_fields(void **state)
{
    const as_str absent = { NULL, 0 };
    as_digest one = fields(AS_LIT("ab"), AS_LIT("c")), two = fields(AS_LIT("a"), AS_LIT("bc"));
    as_digest three = fields(AS_LIT(""), absent), four = fields(absent, AS_LIT(""));
    (void)state;
    assert_memory_not_equal(one.bytes, two.bytes, 32);
    assert_memory_not_equal(three.bytes, four.bytes, 32);
    as_sha256 h;
    as_sha256_init(&h);
    as_sha256_u64(&h, 0x0102030405060708u);
    as_digest number = as_sha256_end(&h), bytes = as_sha256_of(AS_LIT("\10\7\6\5\4\3\2\1"));
    assert_memory_equal(number.bytes, bytes.bytes, 32);
}

/* ---- rng ---- */

/* The known answers of Random123 (kat_vectors, philox4x32 10). */
static void test_philox(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } kat[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff },
          { 0xffffffff, 0xffffffff },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 },
          { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    (void)state;
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        uint32_t out[4];
        as_philox(kat[i].key, kat[i].counter, out);
        assert_memory_equal(out, kat[i].out, sizeof out);
    }
}

static void test_rng(void **state)
{
    uint64_t first[100];
    as_rng r = as_rng_at(42, 7), other = as_rng_at(42, 8);
    (void)state;
    for (size_t i = 0; i < 100; i++)
        first[i] = as_rng_u64(&r);
    for (size_t i = 100; i-- > 0;) { /* any order, by seeking */
        r.index = i;
        assert_true(as_rng_u64(&r) == first[i]);
    }
    r.index = 3;
    as_rng copy = r;
    assert_true(as_rng_u64(&r) == as_rng_u64(&copy));
    assert_true(as_rng_u64(&other) != first[0]);
    const uint32_t key[2] = { 42, 0 }, counter[4] = { 1, 0, 7, 0 };
    uint32_t out[4];
    as_philox(key, counter, out);
    assert_true(first[2] == (out[0] | (uint64_t)out[1] << 32));
    assert_true(first[3] == (out[2] | (uint64_t)out[3] << 32));
}

static void test_rng_ranges(void **state)
{
    enum { DRAWS = 60000, N = 6 };
    unsigned count[N] = { 0 };
    double sum = 0;
    as_rng r = as_rng_at(1, 0);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        uint64_t v = as_rng_below(&r, N);
        assert_true(v < N);
        count[v]++;
        double d = as_rng_double(&r);
        assert_true(d >= 0 && d < 1);
        sum += d;
    }
    double chi2 = 0;
    for (int i = 0; i < N; i++) {
        double off = count[i] - DRAWS / (double)N;
        chi2 += off * off / (DRAWS / (double)N);
    }
    assert_true(chi2 < 25); /* 5 degrees of freedom; the draws are fixed, so this never flickers */
    assert_true(fabs(sum / DRAWS - 0.5) < 0.01);
    assert_true(as_rng_below(&r, 1) == 0);
    for (int i = 0; i < 100; i++) /* nearly half of the range is rejected here */
        assert_true(as_rng_below(&r, (UINT64_MAX / 2) + 2) <= UINT64_MAX / 2 + 1);
}

static void test_seed_of(void **state)
{
    enum { N = 4000 };
    static uint64_t seeds[N];
    (void)state;
    size_t n = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        for (uint64_t problem = 0; problem < 20; problem++) {
            char name[20];
            (void)snprintf(name, sizeof name, "p%d", (int)problem);
            for (uint64_t i = 0; i < 20; i++)
                seeds[n++] = as_seed_of(seed, as_str_of(name), i);
        }
    }
    unsigned ones = 0;
    for (size_t i = 0; i < n; i++) {
        ones += (unsigned)__builtin_popcountll(seeds[i]);
        for (size_t j = i + 1; j < n; j++)
            assert_true(seeds[i] != seeds[j]);
    }
    assert_in_range(ones, N * 32 - 2000, N * 32 + 2000); /* 4,000 x 64 fair bits: sd 253 */
    assert_true(as_seed_of(3, AS_LIT("p"), 5) == as_seed_of(3, AS_LIT("p"), 5));
    assert_true(as_seed_of(3, (as_str){ NULL, 0 }, 5) == as_seed_of(3, AS_LIT(""), 5));
}

/* ---- clock, log ---- */

static void test_clock(void **state)
{
    char text[32];
    int64_t before = as_now_ns();
    (void)state;
    as_sleep_ms(2);
    assert_true(as_now_ns() - before >= 2000000);
    as_utc_text(text);
    assert_int_equal(strlen(text), 20);
    assert_true(text[4] == '-' && text[10] == 'T' && text[19] == 'Z');
}

static char logged[2000];
static int log_lines;

static void take_line(void *data, as_log_level level, const char *line)
{
    *(int *)data = (int)level;
    log_lines++;
    (void)snprintf(logged, sizeof logged, "%s", line);
}

static void test_log(void **state)
{
    int level = -1;
    (void)state;
    as_log(AS_LOG_ERROR, "nobody listens");
    as_log_set(take_line, &level, AS_LOG_INFO);
    as_log(AS_LOG_DEBUG, "too quiet");
    assert_int_equal(log_lines, 0);
    as_log(AS_LOG_WARN, "two\nlines and \x1b[31mred %d", 7);
    assert_int_equal(log_lines, 1);
    assert_int_equal(level, AS_LOG_WARN);
    assert_string_equal(logged, "two lines and  [31mred 7");
    as_log_set(NULL, NULL, AS_LOG_INFO);
    as_log(AS_LOG_ERROR, "silence");
    assert_int_equal(log_lines, 1);
}

/* ---- file ---- */

static void test_file(void **state)
{
    as_err err = { 0 };
    as_buf b;
    const char *path = temp_path("whole");
    (void)state;
    as_buf_init(&b, 100000);
    char block[40000];
    memset(block, 'x', sizeof block);
    assert_int_equal(as_file_write_atomic(path, (as_str){ block, sizeof block }, &err), 0);
    assert_int_equal(as_file_write_atomic(path, (as_str){ block, sizeof block - 1 }, &err), 0);
    assert_int_equal(as_file_read(path, &b, &err), 0);
    assert_int_equal(b.len, sizeof block - 1);
    as_buf_fini(&b);
    as_buf_init(&b, 100);
    assert_int_equal(as_file_read(path, &b, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "limit of 100 bytes"));
    as_buf_fini(&b);
    err = (as_err){ 0 };
    as_buf_init(&b, 100);
    assert_int_equal(as_file_read(temp_path("none"), &b, &err), AS_EIO);
    assert_non_null(strstr(err.text, "none: No such file"));
    assert_int_equal(as_file_read(temp_folder, &b, NULL), AS_EIO);
    as_buf_fini(&b);
}

/* A failed write leaves the old file as it was, and nothing beside it. */
static void test_file_atomic(void **state)
{
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_file_write_atomic(temp_path("no-folder/x"), AS_LIT("1"), &err), AS_EIO);
    assert_int_equal(mkdir(temp_path("taken"), 0700), 0);
    err = (as_err){ 0 };
    assert_int_equal(as_file_write_atomic(temp_path("taken"), AS_LIT("1"), &err), AS_EIO);
    assert_true(as_str_starts(as_str_of(err.text), temp_folder));
    char command[600];
    (void)snprintf(command, sizeof command, "test -z \"$(ls %s | grep tmp-)\"", temp_folder);
    const char *const argv[] = { "/bin/sh", "-c", command, NULL };
    pid_t pid;
    int status = -1;
    assert_int_equal(as_spawn(&pid, argv, NULL, NULL, 0, &err), 0);
    assert_true(as_proc_wait(pid, -1, &status));
    assert_int_equal(status, 0);
}

static void test_write_all(void **state)
{
    as_err err = { 0 };
    int ends[2];
    (void)state;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        assert_int_equal(as_write_all(fd, AS_LIT("x"), &err), AS_EBUDGET);
        assert_string_equal(err.text, "write: No space left on device");
        (void)close(fd);
    }
    /* a reader that went away is an error of this call, not a signal to the process */
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    (void)close(ends[0]);
    err = (as_err){ 0 };
    assert_int_equal(as_write_all(ends[1], AS_LIT("x"), &err), AS_EIO);
    assert_string_equal(err.text, "write: Broken pipe");
    sigset_t pending;
    (void)sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    (void)close(ends[1]);
}

/* ---- path ---- */

static void test_path_join(void **state)
{
    static const struct {
        const char *folder, *name, *joined;
    } cases[] = { { "a", "b", "a/b" }, { "a/", "b", "a/b" }, { "", "b", "b" }, { "/", "b", "/b" } };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AS_CLEANUP(free) char *p = as_path_join(cases[i].folder, cases[i].name);
        assert_string_equal(p, cases[i].joined);
    }
}

static void test_path_folders(void **state)
{
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_path_make_dirs(temp_path("a/b//c/"), &err), 0);
    assert_int_equal(as_path_make_dirs(temp_path("a/b/c"), &err), 0);
    assert_true(as_path_exists(temp_path("a/b/c")));
    assert_int_equal(as_file_write_atomic(temp_path("a/file"), AS_LIT(""), &err), 0);
    assert_int_equal(as_path_make_dirs(temp_path("a/file"), &err), AS_EUSAGE);
    err = (as_err){ 0 };
    assert_int_equal(as_path_make_dirs(temp_path("a/file/x"), &err), AS_EIO);
    AS_CLEANUP(free) char *real = as_path_real(temp_path("a/../a/b"), &err);
    AS_CLEANUP(free) char *folder = as_path_real(temp_folder, &err);
    assert_true(as_str_starts(as_str_of(real), folder) && as_str_ends(as_str_of(real), "/a/b"));
    err = (as_err){ 0 };
    assert_null(as_path_real(temp_path("none"), &err));
    assert_int_equal(err.code, AS_EIO);
}

static void test_path_environment(void **state)
{
    as_err err = { 0 };
    (void)state;
    assert_false(as_is_secure_exec());
    assert_int_equal(setenv("XDG_CACHE_HOME", temp_path("cache"), 1), 0);
    AS_CLEANUP(free) char *cache = as_path_cache_dir(&err);
    assert_string_equal(cache, temp_path("cache/assay"));
    assert_true(as_path_exists(cache));
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_int_equal(setenv("HOME", temp_path("home"), 1), 0);
    AS_CLEANUP(free) char *home = as_path_home();
    assert_string_equal(home, temp_path("home"));
    AS_CLEANUP(free) char *other = as_path_cache_dir(&err);
    assert_string_equal(other, temp_path("home/.cache/assay"));
    assert_int_equal(setenv("HOME", "relative", 1), 0);
    AS_CLEANUP(free)
    char *listed = as_path_home(); /* the password database's, where it has an entry */
    assert_true(!listed || listed[0] == '/');
}

static void test_path_self(void **state)
{
    as_err err = { 0 };
    (void)state;
    AS_CLEANUP(free) char *self = as_path_self_dir();
    AS_CLEANUP(free) char *program = as_path_real("/proc/self/exe", &err);
    assert_non_null(self);
    assert_true(as_str_starts(as_str_of(program), self));
    AS_CLEANUP(free) char *plugins = as_path_plugin_dir();
    assert_non_null(plugins);
    assert_non_null(strstr(plugins, "plugins"));
    AS_CLEANUP(free) char *worker = as_path_worker(&err);
    if (!worker) {
        assert_int_equal(err.code, AS_EPLUGIN);
        assert_non_null(strstr(err.text, "assay-worker, "));
    } else {
        assert_true(as_str_ends(as_str_of(worker), "/assay-worker"));
    }
}

/* ---- proc ---- */

static int run_shell(const char *script, const char *const *env, const as_spawn_fd *fds, size_t n)
{
    const char *const argv[] = { "/bin/sh", "-c", script, NULL };
    as_err err = { 0 };
    pid_t pid;
    int status = -1;
    if (as_spawn(&pid, argv, env, fds, n, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(as_proc_wait(pid, -1, &status));
    return status;
}

static void test_spawn(void **state)
{
    static const char *const env[] = { "ASSAY_TEST_A=new", "ASSAY_TEST_B=b", NULL };
    (void)state;
    assert_int_equal(setenv("ASSAY_TEST_A", "old", 1), 0);
    assert_int_equal(setenv("ASSAY_TEST_AA", "kept", 1), 0);
    assert_int_equal(run_shell("exit 3", NULL, NULL, 0), 3 << 8);
    assert_int_equal(
        run_shell("test \"$ASSAY_TEST_A$ASSAY_TEST_B$ASSAY_TEST_AA\" = newbkept", env, NULL, 0), 0);
    assert_int_equal(run_shell("test \"$ASSAY_TEST_A\" = old", NULL, NULL, 0), 0);
    as_err err = { 0 };
    pid_t pid;
    const char *const argv[] = { "/no/such/program", NULL };
    assert_int_equal(as_spawn(&pid, argv, NULL, NULL, 0, &err), AS_EIO);
    assert_string_equal(err.text,
                        "/no/such/program: could not be started: No such file or directory");
}

static void test_spawn_clean(void **state)
{
    static const char *const env[] = { "ASSAY_TEST_B=b", NULL };
    const char *const argv[] = { "/bin/sh", "-c",
                                 "test \"$ASSAY_TEST_B\" = b && test -z \"$ASSAY_TEST_A$HOME\"",
                                 NULL };
    (void)state;
    assert_int_equal(setenv("ASSAY_TEST_A", "old", 1), 0);
    assert_int_equal(setenv("HOME", "/", 1), 0);
    pid_t pid;
    int status = -1;
    assert_int_equal(as_spawn_clean(&pid, argv, env, NULL, 0, NULL), 0);
    assert_true(as_proc_wait(pid, -1, &status));
    assert_int_equal(status, 0);
}

/* Two descriptors change places, one that is not listed does not reach the child although it could.
 */
static void test_spawn_fds(void **state)
{
    int a[2], b[2],
        leak = open("/dev/null", O_RDONLY); // NOLINT(android-cloexec-open): the point of this test
    char text[16] = { 0 };
    (void)state;
    assert_true(leak >= 0);
    assert_int_equal(pipe2(a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(b, O_CLOEXEC), 0);
    as_spawn_fd fds[] = { { a[1], b[1] }, { b[1], a[1] } };
    char script[200];
    (void)snprintf(script, sizeof script,
                   "printf A >&%d; printf B >&%d; test ! -e /proc/self/fd/%d", a[1], b[1], leak);
    assert_int_equal(run_shell(script, NULL, fds, 2), 0);
    assert_int_equal(read(a[0], text, sizeof text), 1);
    assert_int_equal(text[0], 'B');
    assert_int_equal(read(b[0], text, sizeof text), 1);
    assert_int_equal(text[0], 'A');
    for (int i = 0; i < 2; i++) {
        (void)close(a[i]);
        (void)close(b[i]);
    }
    (void)close(leak);
}

static void test_spawn_signals(void **state)
{
    sigset_t mask, before;
    struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
    (void)state;
    (void)sigemptyset(&mask);
    (void)sigaddset(&mask, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &mask, &before);
    (void)sigaction(SIGUSR1, &ignore, &old);
    assert_int_equal(run_shell("kill -TERM $$; exit 0", NULL, NULL, 0), SIGTERM);
    assert_int_equal(run_shell("kill -USR1 $$; exit 0", NULL, NULL, 0), SIGUSR1);
    (void)sigaction(SIGUSR1, &old, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_proc_wait(void **state)
{
    const char *const argv[] = { "/bin/sleep", "60", NULL };
    as_err err = { 0 };
    pid_t pid;
    int status = 0;
    char text[100];
    (void)state;
    assert_int_equal(as_spawn(&pid, argv, NULL, NULL, 0, &err), 0);
    assert_false(as_proc_wait(pid, 0, &status));
    assert_false(as_proc_wait(pid, 20, &status));
    as_proc_kill(pid, &status);
    as_proc_status_text(status, text, sizeof text);
    assert_string_equal(text, "killed by signal 9 (Killed)");
    as_proc_status_text(3 << 8, text, sizeof text);
    assert_string_equal(text, "exited with status 3");
    as_proc_status_text(SIGSEGV, text, sizeof text);
    assert_string_equal(text, "killed by signal 11 (Segmentation fault)");
    assert_true(as_proc_wait(pid, 0, NULL)); /* reaped already: gone */
    const char *const quick[] = { "/bin/sleep", "0.05", NULL };
    assert_int_equal(as_spawn(&pid, quick, NULL, NULL, 0, &err), 0);
    assert_true(as_proc_wait(pid, 60000, &status));
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err),           cmocka_unit_test(test_err_table),
        cmocka_unit_test(test_mem),           cmocka_unit_test(test_str),
        cmocka_unit_test(test_str_numbers),   cmocka_unit_test(test_distance),
        cmocka_unit_test(test_arena),         cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_buf),           cmocka_unit_test(test_buf_max),
        cmocka_unit_test(test_buf_json_str),  cmocka_unit_test(test_buf_json_numbers),
        cmocka_unit_test(test_buf_json_key),  cmocka_unit_test(test_locale),
        cmocka_unit_test(test_hash),          cmocka_unit_test(test_hash_fields),
        cmocka_unit_test(test_philox),        cmocka_unit_test(test_rng),
        cmocka_unit_test(test_rng_ranges),    cmocka_unit_test(test_seed_of),
        cmocka_unit_test(test_clock),         cmocka_unit_test(test_log),
        cmocka_unit_test(test_file),          cmocka_unit_test(test_file_atomic),
        cmocka_unit_test(test_write_all),     cmocka_unit_test(test_path_join),
        cmocka_unit_test(test_path_folders),  cmocka_unit_test(test_path_environment),
        cmocka_unit_test(test_path_self),     cmocka_unit_test(test_spawn),
        cmocka_unit_test(test_spawn_clean),   cmocka_unit_test(test_spawn_fds),
        cmocka_unit_test(test_spawn_signals), cmocka_unit_test(test_proc_wait),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
