/* slot.c -- zygotes: started when first needed, replaced after so many jobs, killed with their
 * supervisor. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_MS = 20000 };

/* The module is found by path, and the path forgotten: the job's interpreter knows nothing of ours.
 * The system's packages (numpy) are where they are for any program. */
static const char boot[] = "import sys, os, posix, site\n"
                           "del os.environ['PYTHONHASHSEED'], os.environ['LD_BIND_NOW']\n"
                           "for name in b'OPENBLAS_NUM_THREADS', b'OMP_NUM_THREADS':\n"
                           "    posix.environ.pop(name)\n"
                           "    os.environ._data.pop(name, None)\n"
                           "sys.path += filter(os.path.isdir, site.getsitepackages())\n"
                           "sys.path.insert(0, sys.argv[1])\n"
                           "import _assay_box\n"
                           "del sys.path[0]\n"
                           "_assay_box.serve(3, sys.argv[2], int(sys.argv[3]))\n";

/* No terminal's signals reach it, and no signal is blocked or ignored as it may be in a thread of
 * the caller's. */
static void own_session(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setflags(
        attributes, (short)(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
}

static int spawn(const asbx_settings *settings, asbx_slot *slot, int socket)
{
    char helper[4200], prelude[256], dir[4096];
    char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8", all[] = "LC_ALL=C.UTF-8";
    char seed[48], number[16];
    /* Of no program's concern, so os.environ has none of them. One thread is all there is for
     * libraries of numbers, which ask for that when they are loaded, so C still has it; what is
     * linked now is not linked in each job. */
    char blas[] = "OPENBLAS_NUM_THREADS=1", omp[] = "OMP_NUM_THREADS=1", now[] = "LD_BIND_NOW=1";
    char *const environment[] = { path, lang, all, seed, blas, omp, now, NULL };
    (void)snprintf(seed, sizeof seed, "PYTHONHASHSEED=%u", slot->seed);
    (void)snprintf(number, sizeof number, "%u", slot->seed);
    (void)snprintf(helper, sizeof helper, "%s/assay-box", settings->helper_dir);
    (void)snprintf(prelude, sizeof prelude, "%s", slot->prelude);
    (void)snprintf(dir, sizeof dir, "%s", settings->helper_dir);
    char python[4096], code[sizeof boot];
    (void)snprintf(python, sizeof python, "%s", settings->python);
    memcpy(code, boot, sizeof boot);
    /* as -I, but for the seed of its hash function: the environment is ours */
    char name[] = "assay-box", alone[] = "-sPSB", x[] = "-Xutf8", c[] = "-c";
    char *const native[] = { name, NULL };
    char *const interpreted[] = { name, alone, x, c, code, dir, prelude, number, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return -ENOMEM;
    }
    own_session(&attributes);
    int rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, 0, 1);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, socket, 3);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&actions, 4);
    if (rc == 0)
        rc =
            posix_spawn(&slot->pid, slot->kind == KIND_PYTHON ? python : helper, &actions,
                        &attributes, slot->kind == KIND_PYTHON ? interpreted : native, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (rc != 0)
        slot->pid = 0;
    return -rc;
}

int slot_start(const asbx_settings *settings, asbx_slot *slot, char *why, size_t size)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
        (void)snprintf(why, size, "no socket for the sandbox's helper: %s", strerror(errno));
        return -errno;
    }
    int rc = spawn(settings, slot, pair[1]);
    close(pair[1]);
    slot->socket = pair[0];
    slot->jobs = 0;
    asbx_started ready = { .magic = 0 };
    if (rc == 0)
        rc = job_receive(slot->socket, &ready, sizeof ready, NULL, READY_MS);
    if (rc >= 0 && rc != sizeof ready)
        rc = -EPROTO;
    if (rc < 0)
        (void)snprintf(why, size, "the sandbox's helper (%s) does not start: %s",
                       slot->kind == KIND_PYTHON ? settings->python : settings->helper_dir,
                       strerror(-rc));
    else if (ready.magic != ASBX_MAGIC || ready.error)
        (void)snprintf(why, size,
                       "the sandbox cannot be set up here: %s: %s (see `assay sandbox check`)",
                       ready.what, strerror(ready.error));
    else
        return 0;
    slot_stop(slot);
    return rc < 0 ? rc : -EPERM;
}

void slot_stop(asbx_slot *slot)
{
    if (slot->pid > 0) {
        (void)kill(slot->pid, SIGKILL);
        while (waitpid(slot->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    if (slot->socket >= 0)
        close(slot->socket);
    slot->pid = 0;
    slot->socket = -1;
}

static bool serves(const asbx_slot *slot, asbx_kind kind, const char *prelude, uint32_t seed)
{
    return slot->pid > 0 && slot->kind == kind && slot->seed == seed &&
           strcmp(slot->prelude, prelude) == 0;
}

/* Between jobs a zygote has nothing to say: what can be read is its end. */
static bool is_alive(const asbx_slot *slot)
{
    char byte;
    return recv(slot->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* A free slot: one that serves already, else one that is empty, else the one not used for longest.
 */
static asbx_slot *find_free(asbx *s, asbx_kind kind, const char *prelude, uint32_t seed)
{
    asbx_slot *best = NULL;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        asbx_slot *slot = &s->slots[i];
        if (slot->busy)
            continue;
        if (serves(slot, kind, prelude, seed))
            return slot;
        if (!best || (best->pid > 0 && (slot->pid == 0 || slot->used < best->used)))
            best = slot;
    }
    return best;
}

/* ---- whose turn it is ---- */

struct slot_waiter {
    pthread_cond_t turn;
    bool granted;
    slot_waiter *next;
};

void slot_enter(asbx *s)
{
    pthread_mutex_lock(&s->lock);
    if (s->permits > 0 && !s->first) {
        s->permits--;
    } else {
        slot_waiter w = { .turn = PTHREAD_COND_INITIALIZER };
        *s->last = &w;
        s->last = &w.next;
        while (!w.granted)
            pthread_cond_wait(&w.turn, &s->lock);
        (void)pthread_cond_destroy(&w.turn);
    }
    pthread_mutex_unlock(&s->lock);
}

/* The permit goes to who has waited longest, and to nobody else. */
void slot_leave(asbx *s)
{
    pthread_mutex_lock(&s->lock);
    slot_waiter *w = s->first;
    if (w) {
        s->first = w->next;
        if (!s->first)
            s->last = &s->first;
        w->granted = true;
        pthread_cond_signal(&w->turn);
    } else {
        s->permits++;
    }
    pthread_mutex_unlock(&s->lock);
}

asbx_slot *slot_take(asbx *s, asbx_kind kind, const char *prelude, uint32_t seed, char *why,
                     size_t size)
{
    pthread_mutex_lock(&s->lock);
    asbx_slot *slot = find_free(s, kind, prelude, seed);
    if (slot) {
        slot->busy = true;
        slot->used = ++s->clock;
    }
    pthread_mutex_unlock(&s->lock);
    if (!slot) {
        (void)snprintf(why, size, "no slot is free");
        return NULL;
    }
    if (serves(slot, kind, prelude, seed) && slot->jobs < s->settings.jobs_per_zygote &&
        is_alive(slot))
        return slot;
    slot_stop(slot);
    slot->kind = kind;
    slot->seed = seed;
    (void)snprintf(slot->prelude, sizeof slot->prelude, "%s", prelude);
    if (slot_start(&s->settings, slot, why, size) == 0)
        return slot;
    slot_give(s, slot, true);
    return NULL;
}

void slot_give(asbx *s, asbx_slot *slot, bool broken)
{
    if (broken)
        slot_stop(slot);
    pthread_mutex_lock(&s->lock);
    slot->busy = false;
    pthread_mutex_unlock(&s->lock);
}
