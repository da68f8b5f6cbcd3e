/* entry.c -- opens a plugin file and checks its entry before a single function of it is called.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/entry.h"

#include "base/str.h"
#include "plug/elf.h"
#include "plug/info.h"

#include <assay/assay.h>
#include <dlfcn.h>
#include <stdio.h>

enum { MAX_VERIFIERS = 256 };
static const char *const symbol = "assay_plugin_entry";

static int check_version(const assay_entry *e, const char *what, as_err *err)
{
    if (e->magic != ASSAY_MAGIC)
        return as_fail(
            err, AS_EPLUGIN,
            "%s: %s starts with 0x%08x instead of 0x%08x: not an assay plugin; begin it with "
            "{ ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof(assay_entry), ... }",
            what, symbol, (unsigned)e->magic, (unsigned)ASSAY_MAGIC);
    if (e->abi_major == ASSAY_ABI_MAJOR)
        return 0;
    return as_fail(err, AS_EPLUGIN,
                   "%s: built for plugin ABI %u.%u, this host (assay %s) speaks ABI %u.%u; %s",
                   what, (unsigned)e->abi_major, (unsigned)e->abi_minor, ASSAY_VERSION,
                   ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR,
                   e->abi_major > ASSAY_ABI_MAJOR
                       ? "install a newer assay, or an older version of the plugin"
                       : "rebuild the plugin against this host's <assay/plugin.h>");
}

static int check_descriptor(const assay_descriptor *d, size_t i, const char *what, as_err *err)
{
    if (!AS_HAS(d, create))
        return as_fail(err, AS_EPLUGIN,
                       "%s: descriptor %zu has size %u, at least %zu is needed; set .size = "
                       "sizeof(assay_descriptor)",
                       what, i, (unsigned)d->size,
                       offsetof(assay_descriptor, create) + sizeof(d->create));
    if (!d->id || !d->id[0])
        return as_fail(err, AS_EPLUGIN,
                       "%s: descriptor %zu has no id; give it one such as \"org.example.math\"",
                       what, i);
    if (!d->create)
        return as_fail(err, AS_EPLUGIN, "%s: verifier \"%.100s\" has no create function (NULL)",
                       what, d->id);
    return 0;
}

int as_entry_check(const assay_entry *e, const char *what, as_err *err)
{
    int rc = check_version(e, what, err);
    if (rc < 0)
        return rc;
    if (!AS_HAS(e, verifiers))
        return as_fail(err, AS_EPLUGIN,
                       "%s: %s has size %u, at least %zu is needed; set it to sizeof(assay_entry)",
                       what, symbol, (unsigned)e->size,
                       offsetof(assay_entry, verifiers) + sizeof(e->verifiers));
    if (!e->verifiers || !e->verifiers[0])
        return as_fail(err, AS_EPLUGIN, "%s: %s lists no verifiers", what, symbol);
    for (size_t i = 0; rc == 0 && e->verifiers[i]; i++) {
        if (i == MAX_VERIFIERS)
            return as_fail(err, AS_EPLUGIN, "%s: more than %d verifiers; end the list with NULL",
                           what, MAX_VERIFIERS);
        rc = check_descriptor(e->verifiers[i], i, what, err);
    }
    return rc;
}

int as_entry_open(const assay_entry **out, const char *path, as_err *err)
{
    int rc = as_elf_check(path, err);
    if (rc < 0)
        return rc;
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!so) {
        const char *why = dlerror();
        return as_fail(err, AS_EPLUGIN, "%s: cannot be loaded: %s", path,
                       why ? why : "unknown reason");
    }
    const assay_entry *e = dlsym(so, symbol);
    if (!e)
        return as_fail(
            err, AS_EPLUGIN,
            "%s: a shared library, but no assay plugin: it does not export %s; declare it "
            "ASSAY_EXPORT (extern \"C\" in C++)",
            path, symbol);
    rc = as_entry_check(e, path, err);
    if (rc == 0)
        *out = e;
    return rc;
}

static const char *short_name(const assay_descriptor *d)
{
    const char *dot = strrchr(d->id, '.');
    return dot && dot[1] ? dot + 1 : d->id;
}

static int not_found(const assay_entry *e, const char *what, const char *name, as_err *err)
{
    char have[300];
    size_t len = 0;
    have[0] = 0;
    for (size_t i = 0; e->verifiers[i] && len < sizeof(have); i++) {
        int n =
            snprintf(have + len, sizeof(have) - len, "%s%s", i ? ", " : "", e->verifiers[i]->id);
        len += n > 0 ? (size_t)n : 0;
    }
    return as_fail(err, AS_EPLUGIN, "%s: holds no verifier \"%.100s\" (it holds: %s)", what, name,
                   have);
}

int as_entry_find(const assay_descriptor **out, const assay_entry *e, const char *what,
                  const char *name, as_err *err)
{
    if (!name) {
        *out = e->verifiers[0];
        return 0;
    }
    for (size_t i = 0; e->verifiers[i]; i++) {
        if (strcmp(e->verifiers[i]->id, name) == 0) {
            *out = e->verifiers[i];
            return 0;
        }
    }
    for (size_t i = 0; e->verifiers[i]; i++) {
        if (strcmp(short_name(e->verifiers[i]), name) == 0) {
            *out = e->verifiers[i];
            return 0;
        }
    }
    return not_found(e, what, name, err);
}
