# SPDX-License-Identifier: Apache-2.0
"""Images made by a second, smaller writer of the format in overlay/erofs_format.h."""
import struct

BLOCK, SLOT, SUPER, UNIFIED = 512, 32, 1024, 1 << 31


def up(n, unit):
    return (n + unit - 1) // unit * unit


class Image:
    def __init__(self, tars=(10240,)):
        self.tars = tars
        self.end = SUPER + 128 + 128 * len(tars)
        self.meta = (self.end // BLOCK - 1) * BLOCK
        self.data = bytearray(self.end)
        self.count = 0

    def nid(self, at):
        return (at - self.meta) // SLOT

    def place(self, size, together=0):
        at = up(len(self.data), SLOT)
        while together and (at + size - together) % BLOCK + together > BLOCK:
            at += SLOT
        self.data += b"\0" * (at + size - len(self.data))
        return at

    def inode(self, at, mode, layout, size, u, nlink=1, xattrs=b"", more=b""):
        self.count += 1
        icount = (len(xattrs) - 12) // 4 + 1 if xattrs else 0
        body = struct.pack("<HHHHQIIIIqII16x", 1 | layout << 1, icount, mode, 0, size, u,
                           self.count, 0, 0, 1000, 5, nlink) + xattrs + more
        self.data[at:at + len(body)] = body
        return self.nid(at)

    def file(self, mode=0o100644, layout=0, size=0, u=0, **more):
        tail = len(more.get("xattrs", b"")) + len(more.get("more", b""))
        return self.inode(self.place(64 + tail), mode, layout, size, u, **more)

    def link(self, target):
        at = self.place(64 + len(target), 64 + len(target))
        return self.inode(at, 0o120777, 2, len(target), 0, more=target)

    def directory(self, at, tail, parent, names, nlink=2):
        """Its place was taken before its children's, for they name it."""
        nid = self.nid(at)
        listed = sorted([(b".", nid, 2), (b"..", parent or nid, 2)] + names)
        offset, dirents, text = 12 * len(listed), b"", b""
        for name, to, kind in listed:
            dirents += struct.pack("<QHBx", to, offset + len(text), kind)
            text += name
        body = dirents + text
        assert len(body) <= tail
        self.inode(at, 0o40755, 2, len(body), 0, nlink, more=body)
        return nid

    def done(self, root):
        self.data += b"\0" * (-len(self.data) % BLOCK)
        size, next_block = len(self.data), UNIFIED
        self.data[SUPER:SUPER + 128] = struct.pack(
            "<IIIBBHQQIIII16s16xIHHHBBIQ24x", 0xE0F5E1E2, 0, 3, 9, 0, root, self.count, 0, 0,
            size // BLOCK, self.meta // BLOCK, 0, b"uuid", 12, 0, len(self.tars), 9, 0, 0, 0, 0)
        for i, tar in enumerate(self.tars):
            at = SUPER + 128 + 128 * i
            self.data[at:at + 128] = struct.pack("<64xII56x", tar // BLOCK, next_block)
            next_block += tar // BLOCK
        table = b"".join(struct.pack("<Q", tar) for tar in self.tars)
        table += b"\0" * (-len(table) % 64)
        return bytes(self.data) + table + struct.pack("<8sIIQQ24xQ", b"IMGEROFS", 1,
                                                      len(self.tars), size, self.count, 0)


def dir_room(names):
    return sum(12 + len(n) for n in names) + 27


def one_dir(image, names):
    """An image of a root with these (name, function to make its inode, type)."""
    room = dir_room([n for n, _, _ in names])
    root = image.place(64 + room, room)
    made = [(name, make(image), kind) for name, make, kind in names]
    return image.done(image.directory(root, room, 0, made))


def nested():
    image = Image((10240, 512))
    room = dir_room([b"a"])
    root = image.place(64 + room, room)
    inner = image.place(64 + dir_room([b"b"]), dir_room([b"b"]))
    b = image.file(size=100, u=UNIFIED)
    image.directory(inner, dir_room([b"b"]), image.nid(root), [(b"b", b, 1)])
    return image.done(image.directory(root, room, 0, [(b"a", image.nid(inner), 2)], 3))


def twice():
    image = Image()
    room = dir_room([b"a", b"b"])
    root = image.place(64 + room, room)
    nid = image.file(nlink=2, mode=0o100600)
    return image.done(image.directory(root, room, 0, [(b"a", nid, 1), (b"b", nid, 1)]))


def chunk(device, block):
    return struct.pack("<HHI", 0, device, block)


XATTRS = b"\0" * 12 + struct.pack("<BBH", 1, 1, 3) + b"aval"


def seeds():
    yield "empty", one_dir(Image(), [])
    yield "no-devices", one_dir(Image(()), [])
    yield "file", one_dir(Image(), [(b"f", lambda i: i.file(size=5, u=UNIFIED + 1), 1)])
    yield "large", one_dir(Image(), [
        (b"f", lambda i: i.file(layout=4, size=6000, u=0x24, more=chunk(1, 2)), 1)])
    yield "sparse", one_dir(Image(), [
        (b"f", lambda i: i.file(layout=4, size=1500, u=0x20, more=chunk(0, 0xFFFFFFFF) +
                                chunk(1, 2) + chunk(1, 9)), 1)])
    yield "link", one_dir(Image(), [(b"link", lambda i: i.link(b"target"), 7)])
    yield "device", one_dir(Image(), [(b"c", lambda i: i.file(0o20600, u=0x103), 3),
                                      (b"p", lambda i: i.file(0o10600), 5)])
    yield "xattrs", one_dir(Image(), [(b"f", lambda i: i.file(xattrs=XATTRS), 1)])
    yield "nested", nested()
    yield "twice", twice()
    yield "none", b""
