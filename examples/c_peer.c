/*
 * Records measurements in a value that a Rust program shares: `Log` of c_peer.rs. Needs nothing but the C library;
 * "Changing a value from C or Python" in docs/format.md says what has to be done.
 *
 *   c_peer PATH record N   records 1, 2, .. N, each in a change of its own
 *   c_peer PATH hang       begins a change, prints "halfway", and waits to be killed
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

enum { COUNT, SUM, LATEST, WORDS };
enum { PTHREAD = 2 };

/* The control line and the slots of a cell whose value has three words: slots of at most four words follow each other. */
struct cell {
    unsigned char lock[40];
    _Atomic uint64_t version;
    _Atomic uint64_t draft;
    _Atomic uint64_t event;
    _Atomic uint64_t slots[2][WORDS];
};

static void fail(const char *what, int error) {
    fprintf(stderr, "c_peer: %s: %s\n", what, strerror(error));
    exit(1);
}

static void lock(pthread_mutex_t *mutex, struct cell *cell) {
    int error;
    do {
        /* Waits are bounded, because a wake-up may be lost when an owner is killed. */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        error = pthread_mutex_timedlock(mutex, &until);
    } while (error == ETIMEDOUT);
    if (error == EOWNERDEAD) {
        /* Drops the draft of the dead owner. The committed value stays. */
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

/* Writes the slot that is not committed. */
static uint64_t prepare(struct cell *cell, uint64_t measurement) {
    uint64_t version = atomic_load_explicit(&cell->version, memory_order_relaxed);
    _Atomic uint64_t *now = cell->slots[version & 1], *next = cell->slots[(version + 1) & 1];
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&next[COUNT], atomic_load_explicit(&now[COUNT], memory_order_relaxed) + 1, memory_order_relaxed);
    atomic_store_explicit(&next[SUM], atomic_load_explicit(&now[SUM], memory_order_relaxed) + measurement, memory_order_relaxed);
    atomic_store_explicit(&next[LATEST], measurement, memory_order_relaxed);
    return version;
}

int main(int count, char **arguments) {
    if (count < 3)
        fail("usage: c_peer PATH record N | c_peer PATH hang", EINVAL);
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
    uint64_t table_offset, mutex_offset, cell_offset, schema_offset, schema_length;
    memcpy(&kind, start + 20, sizeof kind);
    memcpy(&table_offset, start + 40, sizeof table_offset);
    memcpy(&mutex_offset, start + 48, sizeof mutex_offset);
    memcpy(&cell_offset, start + table_offset, sizeof cell_offset);
    memcpy(&schema_offset, start + table_offset + 24, sizeof schema_offset);
    memcpy(&schema_length, start + table_offset + 32, sizeof schema_length);
    if (kind != PTHREAD)
        fail("not guarded by a pthread mutex", EINVAL);
    /* The segment describes its value. A Rust program of another version may have another `Log`. */
    static const char schema[] = "Log\ncount: u64 @0\nsum: u64 @8\nlatest: u64 @16\nLog: 24 bytes, align 8\nlittle-endian\n";
    if (schema_length != sizeof schema - 1 || memcmp(start + schema_offset, schema, schema_length))
        fail("not the layout that this program knows", EINVAL);
    struct cell *cell = (struct cell *)(start + cell_offset);
    pthread_mutex_t *mutex = (pthread_mutex_t *)(start + mutex_offset);

    if (!strcmp(arguments[2], "hang")) {
        lock(mutex, cell);
        prepare(cell, 1000000);
        puts("halfway");
        fflush(stdout);
        for (;;)
            pause();
    }
    uint64_t rounds = count > 3 ? strtoull(arguments[3], NULL, 10) : 0;
    for (uint64_t measurement = 1; measurement <= rounds; ++measurement) {
        lock(mutex, cell);
        uint64_t version = prepare(cell, measurement);
        atomic_store_explicit(&cell->version, version + 1, memory_order_release);
        int error = pthread_mutex_unlock(mutex);
        if (error)
            fail("unlock", error);
        wake(cell);
    }
    return 0;
}
