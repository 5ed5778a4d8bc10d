# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: the place they work in, the registry, measuring, tables."""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
IMG = os.path.join(ROOT, "build/bin/img")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
DISK_BYTES = 20 << 30
MIB = 1 << 20


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def sh(*argv, **options):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


class Workplace:
    """A fresh file system in memory, or a folder and a word about it."""

    def __init__(self):
        self.disk = self.mounted = None
        given = os.environ.get("BENCH_WORK")
        if given:
            self.path = tempfile.mkdtemp(prefix="img-bench.", dir=given)
            self.about = given
        elif not self.mount():
            self.path = tempfile.mkdtemp(prefix="img-bench.")
            self.about = f"{self.path}, as root could not mount a loop file in /dev/shm"

    def mount(self):
        if os.getuid() != 0 or not os.path.isdir("/dev/shm"):
            return False
        fd, self.disk = tempfile.mkstemp(prefix="img-bench.", dir="/dev/shm")
        os.ftruncate(fd, DISK_BYTES)
        os.close(fd)
        self.path = tempfile.mkdtemp(prefix="img-bench.")
        try:
            sh("mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.disk)
            # Freed blocks go back to memory at once.
            sh("mount", "-o", "loop,discard", self.disk, self.path)
        except (OSError, subprocess.CalledProcessError):
            self.close()
            self.disk = None
            return False
        self.mounted = True
        self.about = "ext4 on a loop file in /dev/shm"
        return True

    def close(self):
        if self.mounted:
            with open("/proc/self/mountinfo", encoding="utf-8") as f:
                points = [line.split()[4] for line in f]
            for point in sorted((p for p in points if (p + "/").startswith(self.path + "/")),
                                reverse=True):
                # What somebody still holds goes when he lets go.
                if subprocess.run(["umount", point], check=False).returncode:
                    subprocess.run(["umount", "-l", point], check=False)
            self.mounted = None
        shutil.rmtree(self.path, ignore_errors=True)
        if self.disk:
            os.unlink(self.disk)


# podman makes it and leaves it.
PODMAN_LOCK = "/dev/shm/libpod_lock"


class Registry:
    def __init__(self, folder):
        config = os.path.join(folder, "registry.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write("version: 0.1\nlog: {level: info}\nhttp: {addr: '127.0.0.1:0', secret: bench}\n"
                    f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n")
        self.log = os.path.join(folder, "registry.log")
        with open(self.log, "w", encoding="ascii") as log:
            self.process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["docker-registry", "serve", config], stdout=log, stderr=log)
        self.host = self.wait()

    def wait(self):
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            with open(self.log, encoding="utf-8") as f:
                found = re.search(r'msg="listening on ([0-9.:]+)', f.read())
            if found:
                return found.group(1)
            time.sleep(0.05)
        raise SystemExit("bench: docker-registry does not start")

    def close(self):
        self.process.terminate()
        self.process.wait()


def measure(argv, count=1, env=None):
    out = sh(PYTHON, "-I", "-S", os.path.join(HERE, "measure.py"), str(count), *argv, env=env)
    samples = [json.loads(line) for line in out.splitlines()]
    for sample in samples:
        if sample["status"]:
            raise SystemExit(f"bench: {' '.join(argv)[:300]}: exit status {sample['status']}")
    return samples


def median(samples, key):
    return statistics.median(s[key] for s in samples)


def table(rows, header):
    widths = [max(len(str(row[i])) for row in rows + [header]) for i in range(len(header))]
    for row in [header, ["-" * w for w in widths]] + rows:
        print("  ".join(str(cell).ljust(w) for cell, w in zip(row, widths)).rstrip())
    print()


def judged(value, target, shown="{:.2f}"):
    return f"{shown.format(value)} (target {shown.format(target)}: " \
           f"{'met' if value <= target else 'MISSED'})"
