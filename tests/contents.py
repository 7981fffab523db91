"""Files of arbitrary bytes, the same in every run."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """A file, its size and its checksum."""

    path: Path
    data: bytes
    sha256: str


def make_content(folder: Path, size: int, *, seed: int = 1) -> Content:
    """Write a file of `size` bytes that do not compress."""
    data = random.Random(f"{seed} {size}").randbytes(size)
    path = folder / f"content-{seed}-{size}"
    path.write_bytes(data)
    return Content(path, data, hashlib.sha256(data).hexdigest())
