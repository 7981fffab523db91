"""Mutations of an archive, harmful or hostile. Each is made from its number and a seed, so it can be repeated."""

import gzip
import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

from isal import isal_zlib

from sqlitevault.catalog.manifest import Manifest
from tests.archives import BACKUP_ID, file_of, head

BLOCK = tarfile.BLOCKSIZE
HOSTILE_NAMES = (
    "../evil",
    "../../evil",
    "config/../../../evil",
    "/OUTSIDE/evil",
    "//OUTSIDE/evil",
    "..",
    ".",
    "",
    "./devops_hub.db",
    "config",
    "config/",
    "devops_hub.db/x",
    "a\\..\\evil",
    "evil\n",
    "evil\x00hidden",
    "\x1b[2Jevil",
    "ev\u202eil",
    "\udcff",
    "e" * 90,
    "checksums.sha256",
    "MANIFEST.json",
    ".env",
)
# Hostile even if the manifest records them; the rest of the names are hostile only because it does not.
NEVER_RECORDED = (*HOSTILE_NAMES[:5], ".", "./devops_hub.db", "config", "config/", "devops_hub.db/x", "a\\..\\evil")
KINDS = (
    b"\0",
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
    b"7",
    b"g",
    b"x",
    b"A",
    b"D",
    b"K",
    b"L",
    b"M",
    b"S",
    b"V",
    b"X",
)
PAX_KEYS = (
    "path",
    "linkpath",
    "size",
    "GNU.sparse.major",
    "GNU.sparse.name",
    "GNU.sparse.map",
    "hdrcharset",
    "comment",
)


@dataclass(frozen=True, slots=True)
class Base:
    """A genuine archive to start from: its bytes, its tar, and that tar cut into entries (header, content).

    `outside` is an absolute path that hostile names point to. The manifest of an archive of the original script
    (`legacy`) is not mutated: that script recorded no checksum of it, so only gzip's checksum protects it.
    """

    archive: bytes
    tar: bytes
    entries: tuple[tuple[bytes, bytes], ...]
    outside: str
    legacy: bool

    @classmethod
    def of(cls, archive: bytes, outside: str, *, legacy: bool = False) -> "Base":
        """Take an archive apart."""
        tar = gzip.decompress(archive)
        entries: list[tuple[bytes, bytes]] = []
        at = 0
        while tar[at : at + BLOCK].strip(b"\0"):
            size = int(tar[at + 124 : at + 135], 8)
            length = size + -size % BLOCK
            entries.append((tar[at : at + BLOCK], tar[at + BLOCK : at + BLOCK + length]))
            at += BLOCK + length
        return cls(archive, tar, tuple(entries), outside, legacy)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed archive, and a description of the change."""

    kind: str
    archive: bytes


def mutant(base: Base, number: int, seed: int) -> Mutant:
    """Make the mutation of this number: first each bit flipped, then each truncation, then at random."""
    size = len(base.archive)
    if number < 8 * size:
        return Mutant("bit flip at each byte", _flipped(base.archive, number // 8, number % 8))
    if number < 9 * size:
        return Mutant("truncation at each length", base.archive[: number - 8 * size])
    rng = random.Random(f"{seed}:{number}")
    kind, make = rng.choice(RANDOM[:-2] if base.legacy else RANDOM)
    return Mutant(kind, make(base, rng))


def _flipped(data: bytes, at: int, bit: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def _splice(base: Base, rng: random.Random) -> bytes:
    """Cut, double, overwrite, insert or append a piece of the compressed bytes."""
    data = base.archive
    start, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    piece = rng.choice([data[start:end], rng.randbytes(rng.randrange(1, 40)), b"\0" * rng.randrange(1, 600)])
    at = rng.randrange(len(data) + 1)
    return rng.choice(
        [
            data[:start] + data[end:],
            data[:at] + piece + data[at:],
            data[:at] + piece + data[at + len(piece) :],
            data + piece,
            data + gzip.compress(piece, 1),
            data[start:] + data[:start],
        ]
    )


def _noise(base: Base, rng: random.Random) -> bytes:
    """Flip some bits of the compressed bytes."""
    data = bytearray(base.archive)
    for _ in range(rng.randrange(2, 12)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _tar_noise(base: Base, rng: random.Random) -> bytes:
    """Flip bits of the tar and compress it again, so that gzip's checksum is valid."""
    tar = bytearray(base.tar)
    for _ in range(rng.randrange(1, 4)):
        tar[rng.randrange(len(tar))] ^= 1 << rng.randrange(8)
    return _packed(bytes(tar))


def _tar_cut(base: Base, rng: random.Random) -> bytes:
    """End the tar early, at a block or in the middle of one, with or without an end mark."""
    at = rng.randrange(len(base.tar) // BLOCK) * BLOCK + rng.choice([0, 0, rng.randrange(BLOCK)])
    return _packed(base.tar[:at] + rng.choice([b"", b"\0" * BLOCK, b"\0" * 2 * BLOCK]))


def _header_noise(base: Base, rng: random.Random) -> bytes:
    """Change a field of a header and correct its checksum."""
    entries = list(base.entries)
    at = rng.randrange(len(entries))
    header = bytearray(entries[at][0])
    field = rng.choice(
        [(0, 100), (100, 24), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (265, 64), (345, 155)]
    )
    start = field[0] + rng.randrange(field[1])
    piece = rng.choice(
        [rng.randbytes(1), rng.randbytes(field[1]), b"\0", b"/", b"..", b"7" * 11, b"\x80" + b"\0" * 10 + b"\x01"]
    )
    piece = piece[: field[0] + field[1] - start]
    header[start : start + len(piece)] = piece
    entries[at] = (_summed(bytes(header)), entries[at][1])
    return _joined(entries)


def _other_kind(base: Base, rng: random.Random) -> bytes:
    """Make a member a link, a device, or any other kind of tar entry."""
    entries = list(base.entries)
    at = rng.randrange(len(entries))
    header = bytearray(entries[at][0])
    header[156:157] = rng.choice(KINDS)
    header[157:257] = rng.choice([b"/etc/passwd", b"../../evil", base.outside.encode()]).ljust(100, b"\0")
    entries[at] = (_summed(bytes(header)), entries[at][1])
    return _joined(entries)


def _other_size(base: Base, rng: random.Random) -> bytes:
    """Claim another size, small or absurd."""
    entries = list(base.entries)
    at = rng.randrange(len(entries))
    header = bytearray(entries[at][0])
    old = int(header[124:135], 8)
    new = rng.choice([0, old - 1, old + 1, old + BLOCK, old * 2, 1 << 33, (1 << 62) - 1, rng.randrange(1 << 20)])
    header[124:136] = b"%011o\0" % new if 0 <= new < 8**11 else b"\x80" + (new % (1 << 88)).to_bytes(11, "big")
    entries[at] = (_summed(bytes(header)), entries[at][1])
    return _joined(entries)


def _rearranged(base: Base, rng: random.Random) -> bytes:
    """Drop, double or move members, or swap their contents."""
    entries = list(base.entries)
    a, b = rng.sample(range(len(entries)), 2)
    match rng.randrange(5):
        case 0:
            del entries[a]
        case 1:
            entries.insert(b, entries[a])
        case 2:
            entries.insert(b, entries.pop(a))
        case 3:
            entries[a], entries[b] = (entries[a][0], entries[b][1]), (entries[b][0], entries[a][1])
        case _:
            rng.shuffle(entries)
    return _joined(entries)


def _hostile_member(base: Base, rng: random.Random) -> bytes:
    """Add a member with a name that leads elsewhere."""
    entries = list(base.entries)
    entries.insert(rng.randrange(len(entries) + 1), _hostile_entry(base, rng))
    return _joined(entries)


def _renamed(base: Base, rng: random.Random) -> bytes:
    """Give a member a name that leads elsewhere."""
    entries = list(base.entries)
    at = rng.randrange(len(entries))
    name = _hostile_name(base, rng)
    header = name[:100].ljust(100, b"\0") + entries[at][0][100:]
    entries[at] = (_summed(header), entries[at][1])
    return _joined(entries)


def _extended(base: Base, rng: random.Random) -> bytes:
    """Put an extended header before a member: another path, another size, records with a wrong length."""
    entries = list(base.entries)
    key = rng.choice(PAX_KEYS)
    value = rng.choice([_hostile_name(base, rng).decode("utf-8", "replace"), "1", "0", "-1", "9" * 30, "x" * 70_000])
    body = f" {key}={value}\n".encode()
    length = len(body) + len(str(len(body) + 2))
    record = str(rng.choice([length, length, length, 0, 1, length - 1, length + 1, 10**9])).encode() + body
    kind = rng.choice([b"x", b"x", b"x", b"g", b"L", b"K", b"X"])
    content = record if kind in (b"x", b"g", b"X") else _hostile_name(base, rng) + b"\0"
    info = tarfile.TarInfo("PaxHeader")
    info.type, info.size = kind, rng.choice([len(content), len(content), 0, 1 << 34])
    entries.insert(rng.randrange(len(entries)), (info.tobuf(tarfile.GNU_FORMAT), _padded(content)))
    return _joined(entries)


def _consistent(base: Base, rng: random.Random) -> bytes:
    """Add a hostile name and rewrite manifest and checksums to match."""
    manifest = Manifest.from_json(base.entries[0][1].rstrip(b"\0"))
    name = rng.choice(NEVER_RECORDED)
    name = name.replace("OUTSIDE", base.outside.strip("/"))
    content = {_name(header): _content(header, data) for header, data in base.entries[2:]}
    recorded = [*manifest.files, file_of(name, b"evil")]
    changed = manifest.model_copy(update={"files": tuple(recorded)})
    info = tarfile.TarInfo(f"{BACKUP_ID}/{name}")
    info.size = 4
    evil = info.tobuf(tarfile.GNU_FORMAT) + _padded(b"evil")
    rest = b"".join(header + data for header, data in base.entries[2:])
    return _packed(head({**content, name: b"evil"}, changed) + rng.choice([evil + rest, rest + evil]) + b"\0" * 1024)


def _manifest_noise(base: Base, rng: random.Random) -> bytes:
    """Change the manifest's JSON: fields dropped, of other types, huge, or of a newer format."""
    document = json.loads(base.entries[0][1].rstrip(b"\0"))
    key = rng.choice(sorted(document))
    document[key] = rng.choice([None, 7, -1, "x", [], {}, [[]], "9" * 50, 2, True, [{"path": "../evil", "bytes": 1}]])
    if rng.random() < 0.3:
        del document[key]
    content = json.dumps(document).encode()
    header = bytearray(base.entries[0][0])
    header[124:136] = b"%011o\0" % len(content)
    return _joined([(_summed(bytes(header)), _padded(content)), *base.entries[1:]])


def _bomb(base: Base, rng: random.Random) -> bytes:
    """Make a member, or data after the end, unpack to far more than recorded."""
    zeros = b"\0" * (rng.randrange(1, 9) << 18)
    if rng.random() < 0.5:
        return _packed(base.tar + zeros * 4)
    at = rng.randrange(len(base.entries))
    entries = list(base.entries)
    header = bytearray(entries[at][0])
    header[124:136] = b"%011o\0" % len(zeros)
    entries[at] = (_summed(bytes(header)), zeros)
    return _joined(entries)


RANDOM: tuple[tuple[str, Callable[[Base, random.Random], bytes]], ...] = (
    ("splices", _splice),
    ("bits of the gzip", _noise),
    ("bits of the tar", _tar_noise),
    ("a tar cut short", _tar_cut),
    ("fields of a header", _header_noise),
    ("another kind of member", _other_kind),
    ("another size", _other_size),
    ("members rearranged", _rearranged),
    ("a hostile member", _hostile_member),
    ("a hostile name", _renamed),
    ("extended headers", _extended),
    ("bombs", _bomb),
    ("a consistent attack", _consistent),
    ("another manifest", _manifest_noise),
)


def _hostile_name(base: Base, rng: random.Random) -> bytes:
    name = rng.choice(HOSTILE_NAMES).replace("OUTSIDE", base.outside.strip("/"))
    whole = name if name.startswith("/") or rng.random() < 0.2 else f"{BACKUP_ID}/{name}"
    return whole.encode("utf-8", "surrogateescape")


def _hostile_entry(base: Base, rng: random.Random) -> tuple[bytes, bytes]:
    info = tarfile.TarInfo("x")
    info.type = rng.choice([b"0", b"0", b"0", b"5", b"1", b"2", b"S"])
    info.linkname = base.outside
    info.size = rng.choice([0, 4])
    header = _hostile_name(base, rng)[:100].ljust(100, b"\0") + info.tobuf(tarfile.GNU_FORMAT)[100:]
    return _summed(header), _padded(b"evil"[: info.size])


def _name(header: bytes) -> str:
    return header[:100].rstrip(b"\0").decode().partition("/")[2]


def _content(header: bytes, data: bytes) -> bytes:
    return data[: int(header[124:135], 8)]


def _summed(header: bytes) -> bytes:
    """Return the header with a valid checksum (POSIX ustar: the field itself counts as eight spaces)."""
    total = sum(header[:148]) + 8 * 32 + sum(header[156:BLOCK])
    return header[:148] + b"%06o\0 " % total + header[156:BLOCK]


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % BLOCK)


def _joined(entries: list[tuple[bytes, bytes]]) -> bytes:
    return _packed(b"".join(header + content for header, content in entries) + b"\0" * 2 * BLOCK)


def _packed(tar: bytes) -> bytes:
    return isal_zlib.compress(tar, 1, wbits=31)
