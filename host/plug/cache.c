/* cache.c -- the verdict cache: one sqlite file, WAL, one short transaction per batch of new
 * verdicts. Whatever is wrong with the file, the run goes on without it and says so once.
 *
 * A file is ours if its application_id says so. One of ours with another schema is copied aside and
 * emptied in place, in a transaction. Renaming it would be wrong: SQLite finds a log by name, and a
 * process that still has the old file open would take the new file's log for its own. The table is
 * called after its schema, so that a running process of another version fails to find its table
 * rather than mixing its rows into ours.
 *
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/cache.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

enum {
    SCHEMA = 1, /* user_version; raise it, and the table's name, when its columns or their meaning
                   change */
    APPLICATION = 0x41535643, /* "ASVC" */
    BUSY_MS = 5000,
    OPEN_TRIES =
        20 /* switching to WAL may answer BUSY at once where many processes start together */
};

struct as_cache {
    pthread_mutex_t lock; /* the connection, its statements, the three flags; never held while a
                             verifier runs */
    sqlite3 *db;          /* NULL: off */
    sqlite3_stmt *get, *put;
    char *path;
    bool is_writable, said_read, said_write;
};

/* The texts worth keeping, in the order of the columns. OUT_EXPLAIN is long and for people;
 * OUT_TASK is no verdict. */
static const uint32_t kept[] = { ASSAY_OUT_ANSWER, ASSAY_OUT_KEY,     ASSAY_OUT_RULE,
                                 ASSAY_OUT_REASON, ASSAY_OUT_METRICS, ASSAY_OUT_DETAIL,
                                 ASSAY_OUT_SPANS };
enum { N_KEPT = sizeof kept / sizeof *kept, FIRST_TEXT = 2 };

#define COLUMNS "verdict, score, answer, answer_key, rule, reason, metrics, detail, spans"
static const char create_sql[] =
    "CREATE TABLE verdict_1(key BLOB PRIMARY KEY, verdict INTEGER NOT NULL, score REAL,"
    " answer BLOB, answer_key BLOB, rule BLOB, reason BLOB, metrics BLOB, detail BLOB,"
    " spans BLOB) WITHOUT ROWID";
static const char get_sql[] = "SELECT " COLUMNS " FROM verdict_1 WHERE key = ?1";
static const char put_sql[] =
    "INSERT OR REPLACE INTO verdict_1(key, " COLUMNS ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)";

/* ---- opening ---- */

typedef enum fitness { FIT, EMPTY, OLD, FOREIGN, UNUSABLE } fitness;

static int run_sql(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* A pragma or count that is one integer; SQLITE_OK and *out, or the error. */
static int ask_int(sqlite3 *db, const char *sql, sqlite3_int64 *out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(stmt, 0);
            rc = SQLITE_OK;
        }
    }
    sqlite3_finalize(stmt);
    return rc;
}

static void close_db(as_cache *c)
{
    sqlite3_finalize(c->get);
    sqlite3_finalize(c->put);
    c->get = c->put = NULL;
    sqlite3_close(c->db);
    c->db = NULL;
}

static void off(as_cache *c, const char *why, const char *cure)
{
    as_log(AS_LOG_WARN, "verdict cache %s: %s; going on without it (%s)", c->path, why, cure);
    close_db(c);
}

static int open_file(as_cache *c)
{
    int rc = sqlite3_open_v2(
        c->path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK)
        return rc;
    sqlite3_busy_timeout(c->db, BUSY_MS);
    return run_sql(c->db, "PRAGMA trusted_schema=OFF; PRAGMA mmap_size=0");
}

/* What the file is; reads only. */
static int judge_file(sqlite3 *db, fitness *out)
{
    sqlite3_int64 application = 0, version = 0, things = 0, ours = 0;
    int rc = ask_int(db, "SELECT count(*) FROM sqlite_master", &things);
    if (rc == SQLITE_OK)
        rc = ask_int(db, "SELECT count(*) FROM sqlite_master WHERE name='verdict_1'", &ours);
    if (rc == SQLITE_OK)
        rc = ask_int(db, "PRAGMA application_id", &application);
    if (rc == SQLITE_OK)
        rc = ask_int(db, "PRAGMA user_version", &version);
    if (rc != SQLITE_OK)
        return rc;
    if (application == APPLICATION)
        *out = version == SCHEMA && ours == 1 ? FIT : OLD;
    else
        *out = things == 0 && application == 0 ? EMPTY : FOREIGN;
    return SQLITE_OK;
}

/* Drops the first table there is; SQLITE_DONE when there is none. */
static int drop_one(sqlite3 *db)
{
    static const char first_table[] =
        "SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite_%'";
    sqlite3_stmt *stmt = NULL;
    char *sql = NULL;
    int rc = sqlite3_prepare_v2(db, first_table, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        sql = sqlite3_mprintf("DROP TABLE \"%w\"", sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    if (rc == SQLITE_ROW)
        rc = sql ? run_sql(db, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

static int create_table(sqlite3 *db)
{
    char pragmas[100];
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK)
        rc = drop_one(db);
    if (rc != SQLITE_DONE)
        return rc;
    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d",
             APPLICATION, SCHEMA);
    rc = run_sql(db, create_sql);
    return rc == SQLITE_OK ? run_sql(db, pragmas) : rc;
}

/* Another process may be doing the same at this moment: looks again under the write lock. */
static int make_table(sqlite3 *db, bool *made)
{
    fitness found = UNUSABLE;
    *made = false;
    int rc = run_sql(db, "BEGIN IMMEDIATE");
    if (rc != SQLITE_OK)
        return rc;
    rc = judge_file(db, &found);
    if (rc == SQLITE_OK && (found == EMPTY || found == OLD)) {
        *made = true;
        rc = create_table(db);
    }
    if (rc == SQLITE_OK)
        rc = run_sql(db, "COMMIT");
    if (rc != SQLITE_OK)
        (void)run_sql(db, "ROLLBACK");
    return rc;
}

static int use_wal(sqlite3 *db)
{
    int rc = SQLITE_BUSY;
    for (int i = 0; i < OPEN_TRIES && rc == SQLITE_BUSY; i++) {
        if (i)
            as_sleep_ms(25);
        rc = run_sql(db, "PRAGMA journal_mode=WAL");
    }
    return rc == SQLITE_OK ? run_sql(db, "PRAGMA synchronous=NORMAL") : rc;
}

static int copy_to(sqlite3 *db, const char *path)
{
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", path);
    int rc = sql ? run_sql(db, sql) : SQLITE_NOMEM;
    sqlite3_free(sql);
    return rc;
}

/* Keeps a copy of what another version wrote, then starts anew in the same file. */
static int set_aside(as_cache *c)
{
    sqlite3_int64 version = 0;
    bool made = false;
    size_t size = strlen(c->path) + 60;
    AS_CLEANUP(free) char *aside = as_malloc(size);
    AS_CLEANUP(free) char *copy = as_malloc(size);
    if (!aside || !copy)
        return SQLITE_NOMEM;
    int rc = ask_int(c->db, "PRAGMA user_version", &version);
    snprintf(aside, size, "%s.v%lld", c->path, (long long)version);
    snprintf(copy, size, "%s.%ld", aside, (long)getpid());
    if (rc == SQLITE_OK)
        rc = copy_to(c->db, copy);
    if (rc == SQLITE_OK)
        rc = make_table(c->db, &made);
    if (rc == SQLITE_OK && made && rename(copy, aside) == 0)
        as_log(AS_LOG_WARN,
               "verdict cache %s was written by another version of assay (schema %lld, this one "
               "uses %d): "
               "moved to %s, starting an empty one",
               c->path, (long long)version, SCHEMA, aside);
    else
        (void)unlink(copy); /* not there, or another process was quicker and kept its own */
    return rc;
}

static const char *cure_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return "delete the file, or name another, or use --no-cache";
    case SQLITE_FULL:
        return "free some space, or use --no-cache";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "another program keeps it locked";
    default:
        return "check the path and its permissions, or use --no-cache";
    }
}

static int prepare(as_cache *c)
{
    int rc = sqlite3_prepare_v3(c->db, get_sql, -1, SQLITE_PREPARE_PERSISTENT, &c->get, NULL);
    if (rc == SQLITE_OK && c->is_writable)
        rc = sqlite3_prepare_v3(c->db, put_sql, -1, SQLITE_PREPARE_PERSISTENT, &c->put, NULL);
    return rc;
}

static int try_open(as_cache *c, fitness *found)
{
    bool made = false;
    int rc = open_file(c);
    if (rc == SQLITE_OK)
        rc = judge_file(c->db, found);
    if (rc != SQLITE_OK || *found == FOREIGN)
        return rc;
    c->is_writable = !sqlite3_db_readonly(c->db, "main");
    if (!c->is_writable && *found != FIT)
        return SQLITE_READONLY;
    if (c->is_writable)
        rc = use_wal(c->db);
    if (rc == SQLITE_OK && *found == OLD)
        rc = set_aside(c);
    else if (rc == SQLITE_OK && *found == EMPTY)
        rc = make_table(c->db, &made);
    return rc == SQLITE_OK ? prepare(c) : rc;
}

/* Some of our codes were never the connection's, and its text would be about something else. */
static const char *why_not(sqlite3 *db, int rc)
{
    return db && (sqlite3_errcode(db) & 0xff) == (rc & 0xff) ? sqlite3_errmsg(db)
                                                             : sqlite3_errstr(rc);
}

static void open_db(as_cache *c)
{
    fitness found = UNUSABLE;
    int rc = try_open(c, &found);
    if (rc != SQLITE_OK) {
        AS_CLEANUP(free) char *why = as_strdup(why_not(c->db, rc));
        off(c, why ? why : sqlite3_errstr(rc), cure_of(rc));
    } else if (found == FOREIGN) {
        off(c, "is a database, but not a verdict cache", "name another file, or use --no-cache");
    } else if (!c->is_writable) {
        as_log(AS_LOG_WARN,
               "verdict cache %s is read-only: known verdicts are used, new ones are not kept",
               c->path);
    }
}

int as_cache_open(as_cache **out, const char *path, as_err *err)
{
    as_err why = { 0 };
    *out = NULL;
    as_cache *c = as_calloc(1, sizeof *c);
    if (!c)
        return as_fail(err, AS_ENOMEM, "verdict cache: out of memory");
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    if (path) {
        c->path = as_strdup(path);
    } else {
        AS_CLEANUP(free) char *folder = as_path_cache_dir(&why);
        c->path = folder ? as_path_join(folder, "verdicts.sqlite") : NULL;
    }
    if (c->path)
        open_db(c);
    else
        as_log(AS_LOG_WARN, "no verdict cache: %s; going on without it",
               why.code ? why.text : "out of memory");
    return 0;
}

void as_cache_close(as_cache *c)
{
    if (!c)
        return;
    close_db(c);
    pthread_mutex_destroy(&c->lock);
    as_free(c->path);
    as_free(c);
}

/* ---- keys ---- */

bool as_cache_takes(const as_verifier_info *info)
{
    return (info->flags & ASSAY_F_DETERMINISTIC) && !(info->flags & ASSAY_F_NEEDS_GROUP);
}

static as_str cell(const as_str *column, uint32_t i)
{
    return column ? column[i] : (as_str){ NULL, 0 };
}

as_digest as_cache_key(const as_verifier_info *info, as_digest config, const as_items *items,
                       uint32_t i)
{
    as_sha256 h;
    as_sha256_init(&h);
    as_sha256_field(&h, AS_LIT("assay.cache/1"));
    as_sha256_field(&h, as_str_of(info->id));
    as_sha256_u64(&h, info->revision);
    as_sha256_field(&h, (as_str){ (const char *)config.bytes, sizeof config.bytes });
    as_sha256_field(&h, cell(items->prompt, i));
    as_sha256_field(&h, cell(items->completion, i));
    as_sha256_field(&h, cell(items->reference, i));
    as_sha256_field(&h, cell(items->meta, i));
    return as_sha256_end(&h);
}

/* ---- reading ---- */

/* A row somebody else may have written: believed only if it could have been a verdict of ours. */
static bool row_verdict(sqlite3_stmt *get, assay_verdict *verdict, float *score)
{
    int v = sqlite3_column_int(get, 0);
    bool has_score = sqlite3_column_type(get, 1) == SQLITE_FLOAT;
    *score = has_score ? (float)sqlite3_column_double(get, 1) : NAN;
    *verdict = (assay_verdict)v;
    if (v == ASSAY_ABSTAIN)
        return !has_score;
    return (v == ASSAY_PASS || v == ASSAY_FAIL || v == ASSAY_NO_ANSWER) && has_score &&
           isfinite(*score);
}

static bool take_texts(sqlite3_stmt *get, as_results *r, uint32_t row)
{
    for (int k = 0; k < N_KEPT; k++) {
        if (sqlite3_column_type(get, FIRST_TEXT + k) == SQLITE_NULL)
            continue;
        const void *bytes = sqlite3_column_blob(get, FIRST_TEXT + k); /* NULL for an empty blob */
        as_str text = { bytes ? bytes : "", (size_t)sqlite3_column_bytes(get, FIRST_TEXT + k) };
        if (as_results_emit(r, row, kept[k], text) < 0)
            return false;
    }
    return true;
}

static bool take_row(sqlite3_stmt *get, as_results *r, uint32_t row)
{
    assay_verdict verdict = ASSAY_UNSET;
    float score = NAN;
    if (!row_verdict(get, &verdict, &score))
        return false;
    if (!take_texts(
            get, r,
            row)) { /* no memory: the item is scored anew, and half a result would mix with it */
        for (int k = 0; k < N_KEPT; k++) {
            if (r->out[kept[k]])
                r->out[kept[k]][row] = (as_str){ NULL, 0 };
        }
        return false;
    }
    r->verdict[row] = verdict;
    r->score[row] = score;
    r->cached[row] = true;
    return true;
}

bool as_cache_get(as_cache *c, as_digest key, as_results *r, uint32_t row)
{
    bool found = false;
    pthread_mutex_lock(&c->lock);
    if (c->get) {
        sqlite3_bind_blob(c->get, 1, key.bytes, sizeof key.bytes, SQLITE_STATIC);
        int rc = sqlite3_step(c->get);
        found = rc == SQLITE_ROW && take_row(c->get, r, row);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE && !c->said_read) {
            c->said_read = true;
            as_log(AS_LOG_WARN, "verdict cache %s cannot be read: %s; going on without it (%s)",
                   c->path, sqlite3_errmsg(c->db), cure_of(rc));
        }
        sqlite3_reset(c->get);
        sqlite3_clear_bindings(c->get);
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

/* ---- writing ---- */

/* "flaky": the verifier itself saw two outcomes of one program. A cached coin toss would look like
 * a fact. */
static bool is_flaky(const as_results *r, uint32_t row)
{
    as_str reason = as_results_get(r, row, ASSAY_OUT_REASON),
           rule = as_results_get(r, row, ASSAY_OUT_RULE);
    if (as_str_is(rule, "flaky"))
        return true;
    if (!as_str_starts(reason, "flaky"))
        return false;
    unsigned char next = reason.len > 5 ? (unsigned char)reason.data[5] : 0;
    return !((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z'));
}

static bool is_kept(const as_results *r, uint32_t row)
{
    assay_verdict v = r->verdict[row];
    bool scored = v == ASSAY_PASS || v == ASSAY_FAIL || v == ASSAY_NO_ANSWER;
    return (scored ? isfinite(r->score[row]) : v == ASSAY_ABSTAIN) && !is_flaky(r, row);
}

static int put_row(sqlite3_stmt *put, const as_digest *key, const as_results *r, uint32_t row)
{
    sqlite3_bind_blob(put, 1, key->bytes, sizeof key->bytes, SQLITE_STATIC);
    sqlite3_bind_int(put, 2, r->verdict[row]);
    if (isfinite(r->score[row]))
        sqlite3_bind_double(put, 3, (double)r->score[row]);
    for (int k = 0; k < N_KEPT; k++) {
        as_str text = as_results_get(r, row, kept[k]);
        if (text.data)
            sqlite3_bind_blob64(put, FIRST_TEXT + 2 + k, text.data, text.len, SQLITE_STATIC);
    }
    int rc = sqlite3_step(put);
    sqlite3_reset(put);
    sqlite3_clear_bindings(put);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_rows(as_cache *c, const as_digest *keys, const as_results *r, const uint32_t *rows,
                    uint32_t n)
{
    int rc = run_sql(c->db, "BEGIN IMMEDIATE");
    if (rc != SQLITE_OK)
        return rc;
    for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
        if (is_kept(r, rows[i]))
            rc = put_row(c->put, &keys[i], r, rows[i]);
    }
    if (rc == SQLITE_OK)
        rc = run_sql(c->db, "COMMIT");
    return rc;
}

/* Called with the lock held. A busy file is tried again at the next batch; anything else ends
 * writing. */
static void write_failed(as_cache *c, int rc)
{
    if (!c->said_write)
        as_log(AS_LOG_WARN,
               "verdict cache %s cannot be written: %s; new verdicts are not kept (%s)", c->path,
               sqlite3_errmsg(c->db), cure_of(rc));
    c->said_write = true;
    if (!sqlite3_get_autocommit(c->db))
        (void)run_sql(c->db, "ROLLBACK");
    if ((rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
        c->is_writable = false;
}

void as_cache_put(as_cache *c, const as_digest *keys, const as_results *r, const uint32_t *rows,
                  uint32_t n)
{
    bool any = false;
    for (uint32_t i = 0; i < n && !any; i++)
        any = is_kept(r, rows[i]);
    if (!any)
        return;
    pthread_mutex_lock(&c->lock);
    if (c->put && c->is_writable) {
        int rc = put_rows(c, keys, r, rows, n);
        if (rc != SQLITE_OK)
            write_failed(c, rc);
    }
    pthread_mutex_unlock(&c->lock);
}
