/* The other main of a fuzz target: runs its body over every file of
 * tests/fuzz/corpus/<name>, so that yesterday's finds stay fixed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_FILE_BYTES_MAX (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int no_dot_files(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A copy of exact size, so that a sanitizer sees a read past the end. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *all;
    uint8_t *exact;
    size_t len;

    if (file == NULL) {
        return -1;
    }
    all = malloc(REPLAY_FILE_BYTES_MAX);
    if (all == NULL) {
        fclose(file);
        return -1;
    }
    len = fread(all, 1, REPLAY_FILE_BYTES_MAX, file);
    fclose(file);
    exact = malloc(len > 0 ? len : 1);
    if (exact != NULL) {
        memcpy(exact, all, len);
        (void)LLVMFuzzerTestOneInput(exact, len);
    }
    free(all);
    free(exact);
    return exact != NULL ? 0 : -1;
}

static int replay_directory(const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, no_dot_files, alphasort);
    int failed = 0;

    if (count <= 0) {
        printf("not ok 1 - %s holds no file\n1..1\n", directory);
        return EXIT_FAILURE;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[2048];
        int rc;

        snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        printf("# %s\n", entries[i]->d_name);
        fflush(stdout);
        rc = replay_file(path);
        printf("%s %d - survives %s\n",
               rc == 0 ? "ok" : "not ok",
               i + 1,
               entries[i]->d_name);
        failed += rc != 0;
        free(entries[i]);
    }
    free(entries);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *top = getenv("top_srcdir");
    const char *name = strrchr(argv[0], '/');
    char directory[1024];

    name = name != NULL ? name + 1 : argv[0];
    if (strncmp(name, "fuzz_", 5) == 0) {
        name += 5;
    }
    snprintf(directory,
             sizeof(directory),
             "%s/tests/fuzz/corpus/%s",
             top != NULL ? top : ".",
             name);
    return replay_directory(argc > 1 ? argv[1] : directory);
}
