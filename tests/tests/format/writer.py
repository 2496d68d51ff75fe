"""Increments a shared u64 under its pthread mutex, by the steps of the page.

  PATH count N   increments it N times
  PATH hold      takes the mutex, writes half of a change, prints "held", and waits until it is killed or its input ends
"""
import ctypes
import errno
import fcntl
import mmap
import os
import struct
import sys
import time


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


path, command, *count = sys.argv[1:]
file = open(path, "r+b")
fcntl.fcntl(file, getattr(fcntl, "F_OFD_SETLKW", 38), struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0))
memory = mmap.mmap(file.fileno(), 0)
assert memory[20] == 2, "not guarded by a pthread mutex"
words = memoryview(memory).cast("Q")
mutex = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)) + words[6])
cell = words[16] // 8
VERSION, DRAFT, SLOTS = cell + 5, cell + 6, cell + 8
pthread = ctypes.CDLL(None)


def check(error):
    if error:
        raise OSError(error, os.strerror(error))


def lock():
    error = errno.ETIMEDOUT
    while error == errno.ETIMEDOUT:
        error = pthread.pthread_mutex_timedlock(mutex, ctypes.byref(Time(int(time.time()) + 1, 0)))
    if error == errno.EOWNERDEAD:
        words[DRAFT] = 0
        error = pthread.pthread_mutex_consistent(mutex)
    check(error)


if command == "hold":
    lock()
    words[SLOTS + (words[VERSION] + 1) % 2] = 0xBAD
    print("held", flush=True)
    sys.stdin.read()
    sys.exit()
for _ in range(int(*count)):
    lock()
    version = words[VERSION]
    words[SLOTS + (version + 1) % 2] = words[SLOTS + version % 2] + 1
    words[VERSION] = version + 1
    check(pthread.pthread_mutex_unlock(mutex))
