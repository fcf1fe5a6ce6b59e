/* The threads' schedstat files count nanoseconds; where the kernel has none,
 * the ticks of the stat file stand in. */
#include "src/bench_server.h"

#include "base/check.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 4096
#define PATH_BYTES_MAX 96
#define STAT_UTIME_FIELD 11 /* counted from 0 after the name; proc(5) */

static bool file_read(const char *path, char out[FILE_BYTES_MAX])
{
    FILE *file = fopen(path, "re");
    size_t len;

    if (file == NULL) {
        return false;
    }
    len = fread(out, 1, FILE_BYTES_MAX - 1, file);
    (void)fclose(file);
    out[len] = '\0';
    return len > 0;
}

bool bench_server_number(const char *text, const char *name, uint64_t *ret)
{
    size_t name_len = strlen(name);
    const char *line = text;

    while (line != NULL) {
        if (strncmp(line, name, name_len) == 0) {
            return sscanf(line + name_len, " %" SCNu64, ret) == 1;
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return false;
}

bool bench_server_ticks(const char *text,
                        uint64_t *ret_user,
                        uint64_t *ret_system)
{
    const char *field = strrchr(text, ')');

    if (field == NULL) {
        return false;
    }
    for (int i = 0; i <= STAT_UTIME_FIELD; i++) {
        field = strchr(field, ' ');
        if (field == NULL) {
            return false;
        }
        field++;
    }
    return sscanf(field, " %" SCNu64 " %" SCNu64, ret_user, ret_system) == 2;
}

static bool threads_cpu(unsigned pid, uint64_t *ret_ns)
{
    char path[PATH_BYTES_MAX];
    char text[FILE_BYTES_MAX];
    struct dirent *entry;
    uint64_t sum = 0;
    DIR *directory;
    bool any = false;

    (void)snprintf(path, sizeof(path), "/proc/%u/task", pid);
    directory = opendir(path);
    if (directory == NULL) {
        return false;
    }
    while ((entry = readdir(directory)) != NULL) {
        unsigned long thread = strtoul(entry->d_name, NULL, 10);
        uint64_t ns;

        (void)snprintf(
            path, sizeof(path), "/proc/%u/task/%lu/schedstat", pid, thread);
        if (thread != 0 && file_read(path, text) &&
            sscanf(text, "%" SCNu64, &ns) == 1) {
            sum += ns;
            any = true;
        }
    }
    (void)closedir(directory);
    *ret_ns = sum;
    return any;
}

int bench_server_sample(unsigned pid,
                        struct bench_server_sample *ret,
                        struct why *why)
{
    struct bench_server_sample sample = {0};
    char path[PATH_BYTES_MAX];
    char text[FILE_BYTES_MAX];
    uint64_t private_kb;
    uint64_t shared_kb;

    (void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    if (!file_read(path, text) ||
        !bench_server_ticks(text, &sample.user_ticks, &sample.system_ticks)) {
        return why_set(why, RC_NOT_FOUND, "no process %u to look at", pid);
    }
    if (!threads_cpu(pid, &sample.cpu_ns)) {
        sample.cpu_ns = (sample.user_ticks + sample.system_ticks) *
                        (UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK));
    }
    (void)snprintf(path, sizeof(path), "/proc/%u/status", pid);
    if (file_read(path, text) &&
        bench_server_number(text, "RssAnon:", &private_kb) &&
        bench_server_number(text, "RssShmem:", &shared_kb)) {
        sample.memory_bytes = (private_kb + shared_kb) * 1024;
    }
    *ret = sample;
    return 0;
}
