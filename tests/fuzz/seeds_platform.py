# SPDX-License-Identifier: Apache-2.0
"""Platforms, two a line: what is wanted, what there is."""

PAIRS = """
linux/amd64 linux/386
linux/amd64/v3 linux/amd64/v2
linux/arm64/v9.2 linux/arm64/v8.5
linux/arm64 linux/arm/v7
linux/arm/v8 linux/armhf
linux/armel linux/arm/5
windows(10.0.22621+win32k)/amd64 windows(10.0.20348.1)/amd64
linux(+a+b%2B)/riscv64 linux(+b%2b)/riscv64
local linux
macOS arm64
x86_64 i386
unknown/unknown linux/amd64
linux/amd64/v99999999999 linux/amd64
"""


def seeds():
    for n, line in enumerate(PAIRS.strip().splitlines()):
        yield f"{n:02}", line.replace(" ", "\n").encode()
    yield "bad", b"linux(%zz)/&/x/y"
