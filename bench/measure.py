# SPDX-License-Identifier: Apache-2.0
"""Runs a command and says what it cost: one JSON object a run, on stdout.

    python3 -I -S bench/measure.py COUNT COMMAND...

Wall time, CPU (user and system, of it and all it waited for), peak memory. Started by itself and
kept small because a process begins with the peak of the one that it was made from: less than what
this interpreter takes, about 8 MiB, can't be seen. posix_spawn copies nothing, so that no CPU of
the copying is counted either.
"""
import os
import sys
import time


def run(argv):
    null = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1)]
    began = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    took = time.perf_counter() - began
    os.close(null)
    return (f'{{"wall": {took:.6f}, "cpu": {usage.ru_utime + usage.ru_stime:.6f}, '
            f'"peak_kib": {usage.ru_maxrss}, "status": {os.waitstatus_to_exitcode(status)}}}')


for _ in range(int(sys.argv[1])):
    print(run(sys.argv[2:]), flush=True)
