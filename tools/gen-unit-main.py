#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the table of the test functions in some test files.

    gen-unit-main.py OUT.c TEST_FILE...

A test is a `void test_MODULE__behaviour(void)` defined at column 0 of tests/.../test_MODULE.c.
"""
import os
import re
import sys

TEST = re.compile(r"^void (test_[a-z0-9_]+)\(void\)$", re.M)


def main():
    out, files = sys.argv[1], sorted(sys.argv[2:])
    declared, rows = [], []
    for path in files:
        suite = os.path.basename(path)[len("test_"):-len(".c")]
        with open(path, encoding="utf-8") as f:
            names = TEST.findall(f.read())
        if not names:
            sys.exit(f"{path}: no `void test_{suite}__behaviour(void)` at column 0")
        for name in names:
            if not name.startswith(f"test_{suite}__"):
                sys.exit(f"{path}: {name} should be called test_{suite}__something")
            declared.append(f"void {name}(void);")
            rows.append(f'\t{{"{suite}", "{name}", {name}}},')
    text = "\n".join([
        '#include "tests/unit/runner.h"', "", *declared, "",
        "const struct unit_test unit_tests[] = {", *rows, "\t{0},", "};", ""])
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)


main()
