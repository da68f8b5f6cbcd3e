/* version.c -- `assay version`: ours, the ABI's, the libraries'. Initialises nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/common.h"
#include "cli/help.h"

#include <assay/assay.h>
#include <cjson/cJSON.h>
#include <nettle/version.h>
#include <sqlite3.h>
#include <stdio.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

typedef struct version_opts {
    bool json;
} version_opts;

static const as_opt options[] = {
    AS_JSON_OPTION(version_opts, "one JSON object, with the versions of the libraries"),
    { .name = NULL },
};

void as_version_text(as_buf *out)
{
    as_buf_addf(out, "assay " ASSAY_VERSION " (plugin ABI %u.%u)\n", ASSAY_ABI_MAJOR,
                ASSAY_ABI_MINOR);
}

bool as_version_library(size_t i, const char **name, char version[32])
{
    static const char *const names[] = { "cjson", "nettle", "sqlite", "xxhash", "zlib", "zstd" };
    if (i >= sizeof names / sizeof *names)
        return false;
    char nettle[32];
    char xxhash[32];
    unsigned xx = XXH_versionNumber();
    (void)snprintf(nettle, sizeof nettle, "%d.%d", nettle_version_major(), nettle_version_minor());
    (void)snprintf(xxhash, sizeof xxhash, "%u.%u.%u", xx / 10000, xx / 100 % 100, xx % 100);
    const char *const versions[] = { cJSON_Version(), nettle,        sqlite3_libversion(),
                                     xxhash,          zlibVersion(), ZSTD_versionString() };
    *name = names[i];
    (void)snprintf(version, 32, "%s", versions[i]);
    return true;
}

static void write_json(as_buf *out)
{
    as_buf_addf(out,
                "{\"schema\":\"assay.version/1\",\"version\":\"" ASSAY_VERSION
                "\",\"abi\":\"%u.%u\",\"libraries\":{",
                ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR);
    const char *name = NULL;
    char version[32];
    for (size_t i = 0; as_version_library(i, &name, version); i++) {
        as_buf_json_key(out, name);
        as_buf_json_str(out, as_str_of(version));
    }
    as_buf_text(out, "}}\n");
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const version_opts *o = opts;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 16);
    if (o->json)
        write_json(&text);
    else
        as_version_text(&text);
    int rc = as_buf_check(&text, err);
    return rc == 0 ? as_cli_out(as_buf_str(&text), err) : rc;
}

const as_command as_cmd_version = {
    .name = "version",
    .summary = "shows the versions of assay, of the plugin ABI and of the libraries",
    .options = options,
    .example = "assay version --json",
    .run = run,
    .opts_size = sizeof(version_opts),
};
