#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what the compiled archives really refer to, which no macro can hide.

    check-symbols.py BUILD_FOLDER

* A folder's archive needs nothing from an archive that its floor does not use.
* A library's functions are called only from the folder that owns the library (`sym` lines of
  tools/floors.txt); libraries that are loaded when first needed are linked nowhere.
* No banned function is called. No library prints or exits. Outside base/log.c and cli/ nothing
  holds writable data of its own.

Exceptions: tools/symbol-exceptions.txt, one `FOLDER/FILE.c:SYMBOL REASON` a line.
"""
import fnmatch
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXCEPTIONS = os.path.join("tools", "symbol-exceptions.txt")
BANNED = set("""atoi atol atoll atof strtol strtoul strtoll strtoull strtok sscanf vsscanf strcpy
    strcat strncpy strncat sprintf vsprintf mktemp tmpnam tempnam gets asctime ctime gmtime
    localtime __isoc99_sscanf __isoc99_vsscanf __isoc23_sscanf __isoc23_strtol __isoc23_strtoul
    __strcpy_chk __strcat_chk __sprintf_chk __vsprintf_chk system popen getwd""".split())
TALK = set("""printf puts putchar perror vprintf __printf_chk __vprintf_chk exit
    warn warnx err errx verr verrx error""".split())
# What is written to by nobody but the loader or the compiler.
QUIET_SECTIONS = (".data.rel.ro", ".rodata")
MEMBER = re.compile(r"^(\S+)\[(\S+)\]:$|^(\S+\.o):$")


def tools_file(name):
    path = os.path.join(ROOT, "tools", name)
    if not os.path.exists(path):
        return
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if line:
                yield line


def read_floors():
    uses, syms = {}, []
    for line in tools_file("floors.txt"):
        head, _, tail = line.partition(":")
        words = tail.split()
        if head.startswith("sym "):
            syms.append((head[4:].strip(), set(words)))
        elif not head.startswith("lib "):
            uses[head] = set(uses) if words == ["all"] else set(words)
    return uses, syms


def read_exceptions():
    known = {}
    for line in tools_file("symbol-exceptions.txt"):
        what, _, reason = line.partition(" ")
        if not reason.strip():
            sys.exit(f"{EXCEPTIONS}: {what}: no reason given")
        known[what] = reason
    return known


def symbols(build, folder):
    """(source file, name, class, section) of each symbol that the folder's objects speak of."""
    where = os.path.join(build, "obj", folder)
    if not os.path.isdir(where):
        return
    objects = [os.path.join(where, n) for n in sorted(os.listdir(where)) if n.endswith(".o")
               and os.path.exists(os.path.join(ROOT, folder, n[:-2] + ".c"))]
    if not objects:
        return
    out = subprocess.run(["nm", "-A", "--format=sysv", *objects], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        parts = [p.strip() for p in line.split("|")]
        if len(parts) == 7 and ":" in parts[0]:
            path, _, name = parts[0].partition(":")
            source = f"{folder}/{os.path.basename(path)[:-2]}.c"
            yield source, name.strip(), parts[2], parts[6]


class Check:
    def __init__(self, build):
        self.uses, self.syms = read_floors()
        self.exceptions = read_exceptions()
        self.excused = set()
        self.problems = []
        self.tables = {f: list(symbols(build, f)) for f in self.uses}
        self.home = {}
        for folder, table in self.tables.items():
            for _, name, kind, _ in table:
                if kind in "TDBRVW" and kind != "U":
                    self.home.setdefault(name, folder)

    def problem(self, source, name, text):
        key = f"{source}:{name}"
        if key in self.exceptions:
            self.excused.add(key)
        else:
            self.problems.append(f"{source}: {name}: {text}")

    def reference(self, folder, source, name):
        owner = self.home.get(name)
        if owner and owner != folder and owner not in self.uses[folder]:
            self.problem(source, name, f"is of {owner}/, which {folder}/ does not use")
        if not owner:
            for pattern, folders in self.syms:
                if fnmatch.fnmatchcase(name, pattern):
                    if folder not in folders:
                        self.problem(source, name, f"{folder}/ may not call it")
                    break
        if name in BANNED:
            self.problem(source, name, "is banned")
        if name in TALK and folder != "cli" and source != "base/log.c":
            self.problem(source, name, "libraries neither print nor exit")

    def data(self, folder, source, name, section):
        if folder == "cli" or source == "base/log.c" or section.startswith(QUIET_SECTIONS):
            return
        if section.startswith((".data", ".bss", ".tbss", ".tdata", "*COM*")):
            self.problem(source, re.sub(r"\.\d+$", "", name), "is writable data of the file")

    def run(self):
        count = 0
        for folder, table in self.tables.items():
            for source, name, kind, section in table:
                count += 1
                if kind in ("U", "w", "v"):
                    self.reference(folder, source, name)
                elif kind in "bBdDC" and name:
                    self.data(folder, source, name, section)
        for key in sorted(set(self.exceptions) - self.excused):
            if os.path.exists(os.path.join(ROOT, key.partition(":")[0])):
                self.problems.append(f"{EXCEPTIONS}: {key} needs no exception any more")
        return count


def main():
    check = Check(sys.argv[1])
    count = check.run()
    if not count:
        sys.exit("check-symbols: nothing is built")
    print("\n".join(check.problems) or f"symbols: {count}, all where they belong")
    sys.exit(1 if check.problems else 0)


main()
