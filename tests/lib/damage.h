/* Damage to a log as it lies on the disk. */
#ifndef TESTS_LIB_DAMAGE_H
#define TESTS_LIB_DAMAGE_H

#include "tests/lib/tap.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Flip a bit `offset` bytes behind the begin of each copy of `needle` in the
 * log's file; returns how many there are. */
static inline unsigned damage_flip(const char *dir,
                                   const char *needle,
                                   int offset)
{
    char path[320];
    int fd;
    struct stat file;
    uint8_t *all;
    uint8_t *at;
    unsigned count = 0;

    snprintf(path, sizeof(path), "%s/data.mdb", dir);
    fd = open(path, O_RDWR);
    tap_check(fd >= 0);
    tap_equal(fstat(fd, &file), 0);
    all = mmap(
        NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    tap_check(all != MAP_FAILED);
    at = all;
    while (
        (at = memmem(
             at, (size_t)(all + file.st_size - at), needle, strlen(needle))) !=
        NULL) {
        at[offset] ^= 0x20;
        at++;
        count++;
    }
    munmap(all, (size_t)file.st_size);
    close(fd);
    return count;
}

#endif
