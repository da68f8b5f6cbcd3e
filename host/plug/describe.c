/* describe.c -- loads plugins one after the other in a process that may die of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/describe.h"

#include "base/file.h"
#include "base/mem.h"
#include "plug/entry.h"
#include "plug/info.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8 << 20 };

static void quiet(const assay_host *host, int32_t level, const char *line)
{
    (void)host;
    (void)level;
    (void)line;
}

static const void *no_service(const assay_host *host, const char *id)
{
    (void)host;
    (void)id;
    return NULL;
}

static const assay_host describing_host = { .size = sizeof(assay_host),
                                            .abi_minor = ASSAY_ABI_MINOR,
                                            .name = "assay",
                                            .version = "describe",
                                            .log = quiet,
                                            .service = no_service };

/* Votes and tasks are an instance's. A verifier that needs a configuration cannot be asked here,
 * and stays unknown. */
static void probe(const assay_descriptor *d, as_verifier_info *info)
{
    assay_verifier *v = NULL;
    assay_error error = { .size = sizeof(error) };
    if (d->create(d, &describing_host, AS_LIT("{}"), &v, &error) != ASSAY_OK || !v)
        return;
    if (AS_HAS(v, extension) && v->extension) {
        info->votes = v->extension(v, ASSAY_EXT_ANSWER) != NULL;
        info->tasks = v->extension(v, ASSAY_EXT_TASKS) != NULL;
    }
    info->probed = true;
    if (v->destroy)
        v->destroy(v);
}

static void write_infos(as_buf *line, const assay_entry *e, as_arena *arena, bool probing)
{
    as_buf_json_key(line, "infos");
    as_buf_byte(line, '[');
    for (size_t i = 0; e->verifiers[i]; i++) {
        as_verifier_info info;
        if (as_info_copy(&info, e, e->verifiers[i], arena, NULL) < 0)
            continue;
        if (probing)
            probe(e->verifiers[i], &info);
        if (i > 0)
            as_buf_byte(line, ',');
        as_info_write(&info, line);
    }
    as_buf_byte(line, ']');
}

static int print_line(int fd, as_buf *line)
{
    as_buf_text(line, "}\n");
    return line->failed ? AS_ENOMEM : as_write_all(fd, as_buf_str(line), NULL);
}

static void begin_line(as_buf *line, size_t i)
{
    as_buf_clear(line);
    as_buf_text(line, "{\"i\":");
    as_buf_u64(line, i);
}

static int describe_one(int fd, size_t i, const char *path, as_buf *line, as_arena *arena)
{
    const assay_entry *e = NULL;
    as_err err = { 0 };
    int rc = as_entry_open(&e, path, &err);
    begin_line(line, i);
    if (rc < 0) {
        as_buf_json_key(line, "problem");
        as_buf_json_str(line, as_str_of(err.text));
        as_buf_text(line, ",\"done\":true");
        return print_line(fd, line);
    }
    /* Said twice: should it die while being asked, what it says of itself is known already. */
    write_infos(line, e, arena, false);
    rc = print_line(fd, line);
    if (rc < 0)
        return rc;
    begin_line(line, i);
    write_infos(line, e, arena, true);
    as_buf_text(line, ",\"done\":true");
    return print_line(fd, line);
}

/* A plugin may print while it is loaded; our own lines go to a descriptor it does not know of. */
static int take_stdout(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
    AS_CLEANUP(close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd >= 0 && null >= 0)
        (void)dup2(null, STDOUT_FILENO);
    return fd;
}

int as_describe_main(int argc, char **argv)
{
    struct rlimit none = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = take_stdout();
    if (fd < 0 || as_write_all(fd, AS_LIT("{\"hello\":1}\n"), NULL) < 0)
        return 3;
    int rc = 0;
    for (int i = 2; i < argc && rc == 0; i++) {
        AS_CLEANUP(buf) as_buf line;
        as_arena arena;
        as_buf_init(&line, LINE_MAX_BYTES);
        as_arena_init(&arena, LINE_MAX_BYTES);
        rc = describe_one(fd, (size_t)i - 2, argv[i], &line, &arena);
        as_arena_fini(&arena);
    }
    close(fd);
    /* Not exit(): a destructor of what was loaded has had its chance to spoil things. */
    _exit(rc < 0 ? 3 : 0);
}
