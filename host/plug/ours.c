/* ours.c -- which plugins are our own. A file counts only where we put it and as we built it: a
 * copy elsewhere could be replaced between the look and the load by whoever may write there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/ours.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

enum { MAX_BYTES = 1 << 20, HEX = 64 };

struct as_ours {
    char *folder; /* real path; NULL: no such folder */
    as_buf list;
};

int as_ours_open(as_ours **out, as_err *err)
{
    as_ours *o = as_calloc(1, sizeof(*o));
    as_err why = { 0 };
    if (!o)
        return as_fail(err, AS_ENOMEM, "no memory for the list of our plugins");
    as_buf_init(&o->list, MAX_BYTES);
    AS_CLEANUP(free) char *folder = as_path_plugin_dir();
    o->folder = folder ? as_path_real(folder, NULL) : NULL;
    AS_CLEANUP(free) char *file = o->folder ? as_path_join(o->folder, "OURS.sha256") : NULL;
    if (!file || as_file_read(file, &o->list, &why) < 0) {
        as_log(AS_LOG_INFO, "no list of our own plugins (%s): all of them run in workers",
               why.text[0] ? why.text : "no plugins folder");
        as_buf_clear(&o->list);
    }
    *out = o;
    return 0;
}

void as_ours_close(as_ours *o)
{
    if (!o)
        return;
    as_free(o->folder);
    as_buf_fini(&o->list);
    as_free(o);
}

bool as_ours_is_inside(const as_ours *o, const char *path)
{
    size_t n = o->folder ? strlen(o->folder) : 0;
    return n > 0 && strncmp(path, o->folder, n) == 0 && path[n] == '/' &&
           !strchr(path + n + 1, '/');
}

bool as_ours_holds(const as_ours *o, const char *path, const as_digest *hash)
{
    char hex[HEX + 1];
    if (!as_ours_is_inside(o, path) || o->list.len == 0)
        return false;
    as_str file = as_str_of(strrchr(path, '/') + 1);
    as_digest_hex(*hash, hex);
    const char *at = o->list.data;
    const char *end = at + o->list.len;
    while (at < end) { /* "HASH  FILE" or "HASH *FILE" */
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        if (!eol)
            eol = end;
        if (eol - at > HEX + 2 && at[HEX] == ' ' && memcmp(at, hex, HEX) == 0 &&
            as_str_eq(as_str_trim((as_str){ at + HEX + 2, (size_t)(eol - at) - HEX - 2 }), file))
            return true;
        at = eol + 1;
    }
    return false;
}
