#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the sizes that docs/STYLE.md promises, with a light scanner of C.

    check-sizes.py [-v] [FILE...]       default: every .c and .h of the project

Functions: at most 100 lines each, 95 % at most 60, median at most 15, at most 5 parameters,
nesting at most 4. Files: .c at most 500 lines (800 with an exception), .h at most 200.
A function is counted from its return type to its closing brace; lines of a constant table inside
it do not count. Exceptions: tools/size-exceptions.txt, one `PATH[:FUNCTION] REASON` a line.
"""
import os
import re
import sys
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EXCEPTIONS = os.path.join(ROOT, "tools", "size-exceptions.txt")
FUNC_MAX, FUNC_P95, FUNC_MEDIAN = 100, 60, 15
PARAMS_MAX, NEST_MAX = 5, 4
C_MAX, C_NEVER, H_MAX = 500, 800, 200

TOKEN = re.compile(r"[A-Za-z_]\w*|\n|[{}()\[\];,=?:]|[^\s\w]|\w+")
ATTRIBUTE = re.compile(r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
CONTROL = {"if", "for", "while", "switch"}


class Function(NamedTuple):
    path: str
    name: str
    line: int
    length: int
    params: int
    nesting: int


def blank(match):
    """Replaces what was matched with spaces, keeping its line breaks."""
    return re.sub(r"[^\n]", " ", match.group(0))


def strip(text):
    """Comments, strings, characters and preprocessor lines become spaces."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda m: blank(m) if m.group(0)[0] == "/" else
                  '"' + blank(m)[1:-1] + '"' if m.group(0)[0] == '"' else
                  "0" + blank(m)[1:], text, flags=re.S)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)


class Body:
    """Walks the statements of one function body and finds its deepest nesting."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.at = 0
        self.deepest = 0

    def peek(self, ahead=0):
        i = self.at + ahead
        return self.tokens[i] if i < len(self.tokens) else ""

    def skip_group(self):
        """Skips a balanced group that starts here."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            depth += (token in "({[") - (token in ")}]")
            self.at += 1
            if depth == 0:
                return

    def block(self, depth):
        self.at += 1
        while self.at < len(self.tokens) and self.peek() != "}":
            self.statement(depth)
        self.at += 1

    def inner(self, depth):
        """What a control statement governs."""
        self.deepest = max(self.deepest, depth)
        if self.peek() == "{":
            self.block(depth)
        else:
            self.statement(depth)

    def statement(self, depth):
        token = self.peek()
        if token == "{":
            self.block(depth)
        elif token == "if":
            self.if_chain(depth)
        elif token in CONTROL:
            self.at += 1
            self.skip_group()
            self.inner(depth + 1)
        elif token == "do":
            self.at += 1
            self.inner(depth + 1)
        elif self.is_macro_loop():
            self.at += 1
            self.skip_group()
            self.inner(depth + 1)
        else:
            self.expression()

    def if_chain(self, depth):
        while True:
            self.at += 1
            self.skip_group()
            self.inner(depth + 1)
            if self.peek() != "else":
                return
            self.at += 1
            if self.peek() != "if":
                self.inner(depth + 1)
                return

    def is_macro_loop(self):
        """NAME(...) { is a loop written as a macro."""
        if not re.match(r"[A-Za-z_]", self.peek()) or self.peek(1) != "(":
            return False
        kept = self.at
        self.at += 1
        self.skip_group()
        found = self.peek() == "{"
        self.at = kept
        return found

    def expression(self):
        """To the semicolon, or past a label."""
        while self.at < len(self.tokens):
            token = self.peek()
            if token == "}":
                return
            if token in ("(", "{", "["):
                self.skip_group()
                continue
            self.at += 1
            if token == ";":
                return
            if token == ":" and self.is_label():
                return

    def is_label(self):
        """Whether the colon just passed ended a label rather than sits in a ?: expression."""
        i, asked = self.at - 2, 0
        while i >= 0 and self.tokens[i] not in (";", "}", "{"):
            asked += (self.tokens[i] == "?") - (self.tokens[i] == ":")
            i -= 1
        return asked <= 0


def param_count(text):
    text = ATTRIBUTE.sub("", text).strip()
    if text in ("", "void"):
        return 0
    depth, parts = 0, [""]
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return sum(1 for part in parts if part.strip() != "...")


def match_back(text, end):
    """The index of the ( that the ) at text[end] closes."""
    depth = 0
    for i in range(end, -1, -1):
        depth += (text[i] == ")") - (text[i] == "(")
        if depth == 0:
            return i
    return -1


def match_ahead(text, start):
    """The index of the } that the { at text[start] opens."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i
    return -1


def table_lines(body):
    """How many lines of a body lie inside constant tables (static const ... = { ... };)."""
    count = 0
    for m in re.finditer(r"\bstatic\s+const\b[^;{}()]*=\s*\{", body):
        end = match_ahead(body, m.end() - 1)
        if end > 0:
            count += body.count("\n", m.start(), end)
    return count


def head_of(text, start, brace):
    """(name, parameters, start line offset) when text[start:brace] heads a function, else None."""
    head = ATTRIBUTE.sub(blank, text[start:brace])
    trimmed = head.rstrip()
    if not trimmed.endswith(")"):
        return None
    opening = match_back(trimmed, len(trimmed) - 1)
    name = re.search(r"([A-Za-z_]\w*)\s*$", trimmed[:opening]) if opening > 0 else None
    if not name or "=" in trimmed[:opening]:
        return None
    # A macro call of its own may stand before: the function starts after it.
    before = trimmed[:name.start()]
    first = before.rfind(")") + 1
    lead = len(head[first:]) - len(head[first:].lstrip())
    return name.group(1), trimmed[opening + 1:-1], start + first + lead


def functions(path, text):
    """Every function that a file defines."""
    code = strip(text)
    start = at = 0
    while at < len(code):
        char = code[at]
        if char == ";":
            start = at + 1
        elif char == "{":
            end = match_ahead(code, at)
            if end < 0:
                sys.exit(f"{path}: braces do not balance")
            head = head_of(code, start, at)
            if head:
                yield measure(path, code, head, (at, end))
                start = end + 1
            at = end
        at += 1


def measure(path, code, head, span):
    name, params, first = head
    begin, end = span
    body = Body([t for t in TOKEN.findall(code[begin:end + 1]) if t != "\n"])
    body.block(0)
    lines = code.count("\n", first, end) + 1 - table_lines(code[begin:end])
    return Function(path, name, code.count("\n", 0, first) + 1, lines, param_count(params),
                    body.deepest)


def read_exceptions():
    known = {}
    if not os.path.exists(EXCEPTIONS):
        return known
    with open(EXCEPTIONS, encoding="utf-8") as f:
        for line in f:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            what, _, reason = line.partition(" ")
            if not reason.strip():
                sys.exit(f"{EXCEPTIONS}: {what}: no reason given")
            known[what] = reason.strip()
    return known


def project_files():
    skip = re.compile(r"^(build.*|\..*)$")
    for folder, names, files in os.walk(ROOT):
        if folder == ROOT:
            names[:] = [n for n in names if not skip.match(n)]
        names.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(folder, name), ROOT)


class Report:
    def __init__(self, exceptions):
        self.exceptions = exceptions
        self.used = set()
        self.problems = []

    def add(self, key, text, excusable=True):
        if excusable and key in self.exceptions:
            self.used.add(key)
        else:
            self.problems.append(text)


def check_file(path, text, report):
    lines = text.count("\n")
    if path.endswith(".h"):
        if lines > H_MAX:
            report.add(path, f"{path}: {lines} lines, a header has at most {H_MAX}")
    elif lines > C_MAX:
        report.add(path, f"{path}: {lines} lines, at most {C_MAX}", lines <= C_NEVER)


def check_function(f, report):
    key, where = f"{f.path}:{f.name}", f"{f.path}:{f.line}: {f.name}"
    if f.length > FUNC_MAX:
        report.add(key, f"{where}: {f.length} lines, at most {FUNC_MAX}")
    if f.params > PARAMS_MAX:
        report.add(key, f"{where}: {f.params} parameters, at most {PARAMS_MAX}")
    if f.nesting > NEST_MAX:
        report.add(key, f"{where}: nesting {f.nesting}, at most {NEST_MAX}")


def check_spread(title, found, report, strict):
    """The median and the 95th percentile; `strict` makes them an error."""
    if not found:
        return
    sizes = sorted(f.length for f in found)
    median, p95 = sizes[len(sizes) // 2], sizes[min(len(sizes) - 1, len(sizes) * 95 // 100)]
    print(f"{title}: {len(sizes)} functions, median {median} lines, 95 % within {p95}, "
          f"longest {sizes[-1]}")
    if strict and median > FUNC_MEDIAN:
        report.add("", f"{title}: median function has {median} lines, at most {FUNC_MEDIAN}")
    if strict and p95 > FUNC_P95:
        report.add("", f"{title}: 95 % of the functions within {p95} lines, at most {FUNC_P95}")


def main():
    args = [a for a in sys.argv[1:] if a != "-v"]
    verbose = "-v" in sys.argv[1:]
    paths = [os.path.relpath(os.path.abspath(a), ROOT) for a in args] or list(project_files())
    report = Report(read_exceptions())
    found = []
    for path in paths:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            text = f.read()
        check_file(path, text, report)
        found += functions(path, text)
    for f in found:
        check_function(f, report)
        if verbose:
            print(f"{f.length:4} {f.params:2} {f.nesting:2} {f.path}:{f.line}: {f.name}")
    tests = [f for f in found if f.path.startswith(("tests/", "bench/"))]
    check_spread("sources", [f for f in found if f not in set(tests)], report, not args)
    check_spread("tests", tests, report, False)
    for what in sorted(set(report.exceptions) - report.used) if not args else []:
        report.problems.append(f"tools/size-exceptions.txt: {what} needs no exception any more")
    print("\n".join(report.problems) or "sizes: all within the limits")
    sys.exit(1 if report.problems else 0)


main()
