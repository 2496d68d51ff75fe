/*
 * Increments a shared u64 under its pthread mutex, without the library: docs/format.md is all that a C program needs.
 *
 *   counter PATH count N   increments N times, and prints how many dead owners it found
 *   counter PATH hold      takes the mutex, writes half of a change, prints "held", and waits to be killed
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct cell {
    unsigned char lock[40];
    _Atomic uint64_t version;
    _Atomic uint64_t draft;
    _Atomic uint64_t event;
    _Atomic uint64_t slots[2];
};

static void fail(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(error));
    exit(1);
}

static void lock(pthread_mutex_t *mutex, struct cell *cell, unsigned long *died) {
    int error;
    do {
        /* Waits are bounded, because a wake-up may be lost when an owner is killed. */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        error = pthread_mutex_timedlock(mutex, &until);
    } while (error == ETIMEDOUT);
    if (error == EOWNERDEAD) {
        ++*died;
        atomic_store_explicit(&cell->draft, 0, memory_order_relaxed);
        error = pthread_mutex_consistent(mutex);
    }
    if (error)
        fail("lock", error);
}

/* Wakes the threads that wait for a change. */
static void wake(struct cell *cell) {
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&cell->event, memory_order_relaxed) & 1) {
        atomic_fetch_add_explicit(&cell->event, 1, memory_order_relaxed);
        syscall(SYS_futex, &cell->event, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
    }
}

int main(int count, char **arguments) {
    if (count < 3)
        fail("usage: counter PATH count N | counter PATH hold", EINVAL);
    int file = open(arguments[1], O_RDWR);
    struct stat facts;
    if (file < 0 || fstat(file, &facts))
        fail(arguments[1], errno);
    /* Marks the value as in use until the file is closed. Otherwise the next process to open it initializes the mutex again. */
    struct flock in_use = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    if (fcntl(file, F_OFD_SETLKW, &in_use))
        fail("mark as in use", errno);
    unsigned char *start = mmap(NULL, facts.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (start == MAP_FAILED)
        fail("mmap", errno);

    uint32_t kind;
    uint64_t table_offset, mutex_offset, cell_offset;
    memcpy(&kind, start + 20, sizeof kind);
    memcpy(&table_offset, start + 40, sizeof table_offset);
    memcpy(&mutex_offset, start + 48, sizeof mutex_offset);
    memcpy(&cell_offset, start + table_offset, sizeof cell_offset);
    if (kind != 2)
        fail("not guarded by a pthread mutex", EINVAL);
    struct cell *cell = (struct cell *)(start + cell_offset);
    pthread_mutex_t *mutex = (pthread_mutex_t *)(start + mutex_offset);

    unsigned long died = 0;
    if (!strcmp(arguments[2], "hold")) {
        lock(mutex, cell, &died);
        uint64_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        atomic_store_explicit(&cell->slots[(version + 1) & 1], 0xbad, memory_order_relaxed);
        puts("held");
        fflush(stdout);
        for (;;)
            pause();
    }
    long rounds = count > 3 ? atol(arguments[3]) : 0;
    for (long round = 0; round < rounds; ++round) {
        lock(mutex, cell, &died);
        uint64_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
        uint64_t value = atomic_load_explicit(&cell->slots[version & 1], memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        atomic_store_explicit(&cell->slots[(version + 1) & 1], value + 1, memory_order_relaxed);
        atomic_store_explicit(&cell->version, version + 1, memory_order_release);
        int error = pthread_mutex_unlock(mutex);
        if (error)
            fail("unlock", error);
        wake(cell);
    }
    printf("%lu\n", died);
    return 0;
}
