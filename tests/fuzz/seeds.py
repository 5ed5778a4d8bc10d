#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the inputs that fuzzing starts from.

    seeds.py FOLDER [NAME...]

Each tests/fuzz/seeds_NAME.py has a function seeds() that yields (file name, bytes); they are
written to FOLDER/NAME/. What is written depends on nothing but these files.
"""
import glob
import importlib.util
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def load(path):
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(folder, path):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    count = 0
    for name, data in load(path).seeds():
        target = os.path.join(folder, str(name).replace("/", "_"))
        if os.path.exists(target):
            sys.exit(f"{path}: two seeds are called {name}")
        with open(target, "wb") as f:
            f.write(data)
        count += 1
    if not count:
        sys.exit(f"{path}: no seeds")
    return count


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, HERE)
    base, only = sys.argv[1], sys.argv[2:]
    for path in sorted(glob.glob(os.path.join(HERE, "seeds_*.py"))):
        name = os.path.basename(path)[len("seeds_"):-len(".py")]
        if not only or name in only:
            print(f"{name}: {write(os.path.join(base, name), path)} seeds")


main()
