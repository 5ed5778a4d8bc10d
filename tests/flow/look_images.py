#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images for the tests of looking inside: look_images.py DIR makes DIR/NAME, an OCI layout each.

  early     three layers that each name the folders they write to
  loose     the same, but the top one names no folder
  early2    early with another top layer: what diff is for
  repacked  the files of early in one layer
  diffid    its top layer is not what the config says
  cut       its middle layer is shorter than the manifest says
"""
import os
import sys

ROOT = os.environ["IMG_ROOT"]
sys.path.insert(0, os.path.join(ROOT, "fixtures"))
sys.dont_write_bytecode = True

from images import d, f, hard, opaque, sym, wh  # noqa: E402 pylint: disable=wrong-import-position
from layout import Layer, Layout  # noqa: E402 pylint: disable=wrong-import-position

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"


def base():
    return Layer([d("./"), d("etc/"), f("etc/passwd", PASSWD), f("etc/group", "root:x:0:\n"),
                  f("etc/old", "old\n"), d("usr/"), d("usr/bin/"), f("usr/bin/tool", "one\n"),
                  sym("bin", "usr/bin"), d("gone/"), f("gone/x", "x")])


def middle():
    return Layer([d("etc/"), f("etc/motd", "hello\n"), hard("etc/motd2", "etc/motd"),
                  wh("etc/old"), d("usr/"), d("usr/bin/"), f("usr/bin/tool", "two\n", mode=0o755)],
                 "zstd")


def top(text="three\n"):
    return Layer([d("opt/"), f("opt/top", text), opaque("gone"), d("gone/"),
                  sym("link", "/bin/tool"), f("opt/same", "x" * 5000)])


def write(folder, name, layers, change=None):
    layout = Layout(os.path.join(folder, name))
    config = {}
    if change == "diffid":
        config = {"rootfs": {"type": "layers",
                             "diff_ids": [x.diff_id for x in layers[:-1]] + [base().diff_id]}}
    image = layout.image(layers, config)
    if change == "cut":
        import json  # pylint: disable=import-outside-toplevel
        path = os.path.join(layout.path, "blobs", image["digest"].replace(":", "/"))
        with open(path, "rb") as file:
            manifest = json.load(file)
        manifest["layers"][1]["size"] += 10
        image = layout.put(image["mediaType"], manifest)
    layout.top(image)
    layout.finish()


def main():
    folder = sys.argv[1]
    write(folder, "early", [base(), middle(), top()])
    write(folder, "loose", [base(), middle(), Layer([f("opt/top", "three\n")])])
    write(folder, "early2", [base(), middle(), top("four\n")])
    write(folder, "repacked", [Layer([
        d("./"), d("etc/"), f("etc/passwd", PASSWD), f("etc/group", "root:x:0:\n"), d("usr/"),
        d("usr/bin/"), f("usr/bin/tool", "two\n", mode=0o755), sym("bin", "usr/bin"), d("gone/"),
        f("etc/motd", "hello\n"), hard("etc/motd2", "etc/motd"), d("opt/"),
        f("opt/top", "three\n"), sym("link", "/bin/tool"), f("opt/same", "x" * 5000)])])
    write(folder, "diffid", [base(), middle(), top()], "diffid")
    write(folder, "cut", [base(), middle(), top()], "cut")


main()
