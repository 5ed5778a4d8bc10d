#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own and talks to it.

    cli_tty.py [--cols N] [--say WAIT_FOR SEND]... -- CMD...

WAIT_FOR is a regular expression that the terminal must show before SEND (with \\n, \\x03, ...) is typed.
Prints all that the terminal showed, then `status N` and `echo on` or `echo off`: how the terminal was left.
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

SECONDS = 60


def parse(words):
    says, cols = [], 100
    while words and words[0] != "--":
        if words[0] == "--cols":
            cols = int(words[1])
            words = words[2:]
        elif words[0] == "--say":
            send = words[2].encode().decode("unicode_escape").encode("latin-1")
            says.append((re.compile(words[1].encode()), send))
            words = words[3:]
        else:
            sys.exit(__doc__)
    return says, cols, words[1:]


def main():
    says, cols, command = parse(sys.argv[1:])
    master, slave = pty.openpty()
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, cols, 0, 0))
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2):
            os.dup2(slave, fd)
        os.closerange(3, 64)
        os.execvp(command[0], command)
    shown, new, until = b"", b"", time.monotonic() + SECONDS
    status = None
    while status is None or select.select([master], [], [], 0)[0]:
        if time.monotonic() > until:
            os.kill(pid, 9)
            print("# took too long", file=sys.stderr)
        if select.select([master], [], [], 0.05)[0]:
            got = os.read(master, 65536)
            shown, new = shown + got, new + got
        if says and says[0][0].search(new):
            os.write(master, says.pop(0)[1])
            new = b""
        if status is None:
            done, how = os.waitpid(pid, os.WNOHANG)
            if done:
                status = os.waitstatus_to_exitcode(how)
    sys.stdout.buffer.write(shown + b"\n")
    sys.stdout.flush()
    print("status", status)
    print("echo", "on" if termios.tcgetattr(slave)[3] & termios.ECHO else "off")
    if says:
        print("never seen:", says[0][0].pattern.decode())


main()
