#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs img against each scenario of the hostile registry and judges how it ends.

    hostile_run.py --registry FILE --certs DIR [--seconds N] [--kilobytes N] [--jobs N] [NAME...]

FILE is what the registry printed. Prints `ok NAME` or `not ok NAME: why`, and what img said then. A run
is well when it ends with the scenario's status, in that time and memory (0: any); with exactly one
`img: error:` line that matches, and at most one hint, when it fails; without control characters or
secrets in its words; and leaves nothing but parts of blobs in staging, and no image.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile_table  # noqa: E402
import hostile_push  # noqa: E402

HOSTILE_BYTES = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]")
SECRETS = (b"hunter2", hostile_push.SIGNATURE.encode(), hostile_table.BASIC.split()[1].encode())
SHOWN = 600


class Run:
    def __init__(self, options, places, scenario):
        self.options, self.scenario = options, scenario
        self.store = os.path.abspath(os.path.join("stores", scenario.name))
        words = scenario.command.format(name=scenario.name, certs=options.certs, **places)
        self.argv = ["img", *words.split()]
        self.status = self.kilobytes = None
        self.out = self.err = b""

    def start(self):
        env = dict(os.environ, IMG_STORE=self.store)
        child = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        late = threading.Timer(self.options.seconds, child.send_signal, [signal.SIGKILL])
        late.start()
        reader = threading.Thread(target=lambda: setattr(self, "out", child.stdout.read()))
        reader.start()
        self.err = child.stderr.read()
        reader.join()
        _, status, usage = os.wait4(child.pid, 0)
        # Waited for here, to know its memory: not again by subprocess.
        child.returncode = self.status = os.waitstatus_to_exitcode(status)
        late.cancel()
        child.stdout.close()
        child.stderr.close()
        self.kilobytes = usage.ru_maxrss

    def faults(self):
        s = self.scenario
        if self.status == -signal.SIGKILL:
            yield f"not done after {self.options.seconds} s"
        elif self.status != s.status:
            yield f"status {self.status}, not {s.status}"
        yield from self.faults_of_words()
        if self.options.kilobytes and self.kilobytes > self.options.kilobytes:
            yield f"{self.kilobytes} kB of memory, more than {self.options.kilobytes}"
        yield from self.leftovers()

    def faults_of_words(self):
        lines = self.err.decode("utf-8", "replace").split("\n")
        errors = [x for x in lines if x.startswith("img: error: ")]
        hints = [x for x in lines if x.startswith("img: hint: ")]
        if self.scenario.status == 0:
            if errors:
                yield "succeeds with an error"
        elif len(errors) != 1 or len(hints) > 1:
            yield f"{len(errors)} errors, {len(hints)} hints"
        elif not re.search(self.scenario.regex, errors[0]):
            yield f"its error does not match '{self.scenario.regex}'"
        said = self.out + self.err
        if HOSTILE_BYTES.search(said):
            yield "control characters in what it says"
        if any(secret in said for secret in SECRETS):
            yield "a secret is in what it says"

    def leftovers(self):
        if not os.path.isdir(self.store):
            return
        for folder, _, names in os.walk(os.path.join(self.store, "staging")):
            left = [n for n in names if not n.endswith(".part")]
            if left:
                yield f"leaves {os.path.relpath(os.path.join(folder, left[0]), self.store)}"
                break
        if self.status == 0:
            return
        listed = subprocess.run(["img", "images", "--json"], env=dict(os.environ, IMG_STORE=self.store),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if listed.returncode or b"sha256:" in listed.stdout:
            yield "leaves an image"

    def judge(self):
        try:
            self.start()
            why = "; ".join(self.faults())
        finally:
            shutil.rmtree(self.store, ignore_errors=True)
        if not why:
            return [f"ok {self.scenario.name}"]
        said = (self.out[:SHOWN] + self.err[-SHOWN:]).decode("utf-8", "replace")
        return ([f"not ok {self.scenario.name}: {why}", f"#   {' '.join(self.argv)}"]
                + [f"#   {x!a}" for x in said.splitlines()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--registry", required=True)
    parser.add_argument("--certs", required=True)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--kilobytes", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with open(options.registry, encoding="ascii") as f:
        places = dict(line.split() for line in f if line.count(" ") == 1)
    rows = [s for s in hostile_table.SCENARIOS if not options.names or s.name in options.names]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for lines in pool.map(lambda s: Run(options, places, s).judge(), rows):
            print("\n".join(lines), flush=True)


main()
