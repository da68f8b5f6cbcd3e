/* device.c -- see device.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/device.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char CUDA[] = "libassay_cuda.so", VARIABLE[] = "ASSAY_CUDA_LIBRARY";
static const double MIB = 1048576;

bool as_cli_is_wide(const char *device)
{
    return strncmp(device, "cuda", 4) != 0;
}

/* ---- the library ---- */

static int find_library(char **out, as_err *err)
{
    const char *named = as_is_secure_exec() ? NULL : getenv(VARIABLE);
    AS_CLEANUP(buf) as_buf tried = { 0 };
    as_buf_init(&tried, 16384);
    if (named && named[0]) {
        as_err why = { 0 };
        *out = as_path_real(named, &why);
        return *out ? 0
                    : as_fail(err, AS_EUSAGE, "device cuda: %s: %s; cpu runs everywhere", VARIABLE,
                              why.text);
    }
    *out = as_path_library(CUDA, &tried);
    return *out ? 0
                : as_fail(err, AS_EUSAGE,
                          "device cuda is not in this build: build with -DASSAY_CUDA=ON, or name "
                          "a %s in %s; cpu is in every one (tried %s)",
                          CUDA, VARIABLE,
                          tried.len ? tried.data : "nothing, since /proc is not mounted");
}

static int load_library(as_err *err)
{
    char why[512];
    AS_CLEANUP(free) char *path = NULL;
    if (k_backend_find("cuda"))
        return 0;
    int rc = find_library(&path, err);
    if (rc < 0)
        return rc;
    return k_backend_load(path, why, sizeof why) == 0
               ? 0
               : as_fail(err, AS_EUSAGE, "device cuda: %s; cpu runs everywhere", why);
}

/* Of cuda alone, so far. */
static void note(const char *text)
{
    as_log(AS_LOG_WARN, "device cuda: %s", text);
}

/* Where what was chosen once is kept; NULL: nowhere, which was said. */
static char *choices_folder(void)
{
    as_err why = { 0 };
    char *folder = as_path_cache_dir(&why);
    if (!folder)
        as_log(AS_LOG_WARN,
               "device cuda: %s: of cuBLASLt the first algorithm that it names is taken, untimed",
               why.text);
    return folder;
}

int as_cli_device_open(k_device **out, const char *device, uint64_t threads, bool by_vectors,
                       as_err *err)
{
    const bool is_exact = strcmp(device, "cuda-exact") == 0;
    const char *backend = is_exact ? "cuda" : strcmp(device, "naive") == 0 ? "naive-f32" : device;
    int rc = strcmp(backend, "cuda") == 0 ? load_library(err) : 0;
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) char *choices = strcmp(device, "cuda") == 0 ? choices_folder() : NULL;
    const k_options options = { .n_threads = (int)threads,
                                .isa = is_exact ? "own" : NULL,
                                .choices = choices,
                                .note = note,
                                .by_vectors = by_vectors };
    if (!k_backend_find(backend))
        return as_fail(err, AS_EUSAGE, "device %s is not in this build; cpu is in every one",
                       device);
    rc = k_device_open(out, backend, &options);
    if (rc == 0)
        return 0;
    char why[400];
    k_why(k_backend_find(backend), rc, why, sizeof why);
    return as_fail(err, AS_EUSAGE, "device %s: %s%s", device, why,
                   strcmp(backend, "cpu") == 0 ? "" : "; cpu runs everywhere");
}

int as_cli_record_device(as_run_record *record, const k_device *dev, as_err *err)
{
    AS_CLEANUP(buf) as_buf json = { 0 };
    as_buf_init(&json, 1 << 10);
    as_buf_byte(&json, '{');
    as_buf_json_key(&json, "backend");
    as_buf_json_str(&json, as_str_of(dev->ops->name));
    if (dev->ops->level) {
        as_buf_json_key(&json, "level");
        as_buf_json_str(&json, as_str_of(dev->ops->level));
    }
    as_buf_byte(&json, '}');
    int rc = as_buf_check(&json, err);
    if (rc == 0)
        as_run_record_set(record, "computed_by", as_buf_str(&json));
    return rc;
}

/* ---- memory ---- */

as_cli_room as_cli_room_on(k_device *dev, size_t limit)
{
    as_cli_room room = { 0 };
    if (dev->ops == k_backend_loaded() && dev->ops->memory &&
        dev->ops->memory(dev, &room.unused, &room.all) == 0 && room.all > 0) {
        room.bytes = limit && limit < room.unused ? limit : room.unused;
        return room;
    }
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    room = (as_cli_room){ .bytes = limit ? limit : (size_t)pages * (size_t)size };
    return room;
}

void as_cli_room_say(const as_cli_room *room)
{
    if (room->all)
        as_cli_say("the device has %.1f MiB, of which %.1f are unused", (double)room->all / MIB,
                   (double)room->unused / MIB);
}

int as_cli_room_check(const as_cli_room *room, const as_plan *plan, size_t beside, const char *cure,
                      as_err *err)
{
    as_plan all = *plan;
    all.beside = beside;
    all.total += beside;
    if (all.total <= room->bytes)
        return 0;
    int rc = as_plan_check(&all, room->bytes, cure, err);
    if (room->all && all.total > room->all)
        as_err_prefix(err, "the device is too small, it has %.1f MiB in all",
                      (double)room->all / MIB);
    else if (room->bytes == room->unused && room->all)
        as_err_prefix(err,
                      "%.1f of the device's %.1f MiB are taken, by CUDA itself and by other "
                      "processes (nvidia-smi names them: wait for them, or end them)",
                      (double)(room->all - room->unused) / MIB, (double)room->all / MIB);
    return rc;
}
