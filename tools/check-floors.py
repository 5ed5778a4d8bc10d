#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the folders include only downwards, as tools/floors.txt allows.

Every `#include "folder/header.h"` of a folder must be its own or of a folder it uses; every
`#include <library.h>` that floors.txt names must be in a folder that may use it. The unit tests
of a folder may include what that folder's floors hold, other tests anything.
"""
import fnmatch
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def read_floors():
    """(folder -> set of used folders, lowest first; [(header pattern, set of folders)])."""
    uses, libraries = {}, []
    with open(os.path.join(ROOT, "tools", "floors.txt"), encoding="utf-8") as f:
        for line in f:
            line = line.split("#")[0].strip()
            if not line:
                continue
            head, _, tail = line.partition(":")
            words = tail.split()
            if head.startswith("lib "):
                libraries.append((head[4:].strip(), set(words)))
            elif not head.startswith("sym "):
                uses[head] = set(uses) if words == ["all"] else set(words)
    return uses, libraries


def check_order(uses):
    """Arrows go down: a folder uses only folders listed before it, which also excludes cycles."""
    seen, problems = set(), []
    for folder, used in uses.items():
        for other in sorted(used - seen):
            problems.append(f"tools/floors.txt: {folder} uses {other}, which is not below it")
        seen.add(folder)
    return problems


def closure(uses, folder):
    found, todo = {folder}, [folder]
    while todo:
        for other in uses[todo.pop()] - found:
            found.add(other)
            todo.append(other)
    return found


def files_in(folder):
    for where, _, names in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(names):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(where, name), ROOT)


def includes(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    for m in INCLUDE.finditer(text):
        yield text.count("\n", 0, m.start()) + 1, m.group(1), m.group(2)


def check_own(path, line, target, allowed):
    folder = target.split("/")[0] if "/" in target else None
    if folder is None:
        return f'{path}:{line}: "{target}": include as "folder/header.h", from the root'
    if folder not in allowed:
        return f"{path}:{line}: {path.split('/')[0]} may not include {target}"
    if not os.path.exists(os.path.join(ROOT, target)):
        return f"{path}:{line}: {target} does not exist"
    return None


def check_library(path, line, target, folder, libraries):
    for pattern, folders in libraries:
        if fnmatch.fnmatchcase(target, pattern):
            # The first pattern that fits decides; a later one may widen it for other folders.
            if folder in folders or any(fnmatch.fnmatchcase(target, p) and folder in ok
                                        for p, ok in libraries):
                return None
            return f"{path}:{line}: {folder} may not include <{target}>"
    return None


def check_folder(folder, allowed, libraries):
    count, problems = 0, []
    for path in files_in(folder):
        for line, kind, target in includes(path):
            count += 1
            if kind == '"':
                problem = check_own(path, line, target, allowed)
            else:
                problem = check_library(path, line, target, folder, libraries)
            if problem:
                problems.append(problem)
    return count, problems


def main():
    uses, libraries = read_floors()
    problems = check_order(uses)
    count = 0
    for folder, used in uses.items():
        for where, allowed, libs in (
                (folder, used | {folder}, libraries),
                (f"tests/unit/{folder}", closure(uses, folder) | {"tests"}, [])):
            n, found = check_folder(where, allowed, libs)
            count += n
            problems += found
    for folder in sorted(os.listdir(ROOT)):
        known = folder in uses or folder in ("tests", "bench", "fixtures", "tools", "docs")
        if not known and not folder.startswith((".", "build")) and any(files_in(folder)):
            problems.append(f"{folder}/ holds C but is not in tools/floors.txt")
    print("\n".join(problems) or f"floors: {count} includes, all downwards")
    sys.exit(1 if problems else 0)


main()
