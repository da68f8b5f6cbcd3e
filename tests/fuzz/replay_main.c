/* replay_main.c -- runs a fuzz target over files and folders of files, for builds without
 * libFuzzer. SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

/* Read into memory of exactly its size, so that ASan sees a step too far. */
static int replay_file(const char *path)
{
    struct stat info;
    FILE *f = fopen(path, "rbe");
    if (!f || fstat(fileno(f), &info) != 0) {
        perror(path);
        if (f)
            (void)fclose(f);
        return -1;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size ? size : 1);
    if (data && fread(data, 1, size, f) == size) {
        (void)fprintf(stderr, "%s\n", path);
        (void)LLVMFuzzerTestOneInput(data, size);
    } else {
        perror(path);
        size = SIZE_MAX;
    }
    free(data);
    (void)fclose(f);
    return size == SIZE_MAX ? -1 : 1;
}

/* The number of files replayed, or -1. */
static int replay_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, NULL, alphasort), done = 0;
    if (n < 0) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < n; i++) {
        char file[4096];
        int written = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && done >= 0)
            done = written < (int)sizeof file && replay_file(file) > 0 ? done + 1 : -1;
        free(entries[i]);
    }
    free(entries);
    return done;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int n = stat(argv[i], &info) == 0 && !S_ISDIR(info.st_mode) ? replay_file(argv[i])
                                                                    : replay_folder(argv[i]);
        if (n < 0)
            return 1;
        total += n;
    }
    (void)printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1; /* a corpus that is not there proves nothing */
}
