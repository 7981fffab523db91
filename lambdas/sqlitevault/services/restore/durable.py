"""The few file operations a restore is made of, each durable when it returns."""

import os
import shutil
from pathlib import Path

_COPY_BLOCK = 8 << 20


def sync_directory(directory: Path) -> None:
    """Make renames in `directory` survive a power loss (fsync(2) on the directory)."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the content of `path` survive a power loss."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path) -> None:
    """Rename within a file system; what was at `target` is replaced in one step."""
    source.replace(target)
    sync_directory(target.parent)
    if source.parent != target.parent:
        sync_directory(source.parent)


def copy(source: Path, target: Path) -> None:
    """Copy a file whole or not at all; `target` appears in one step."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    with source.open("rb") as reading, unfinished.open("wb") as writing:
        shutil.copyfileobj(reading, writing, _COPY_BLOCK)
        writing.flush()
        os.fsync(writing.fileno())
    like(source, unfinished)
    move(unfinished, target)


def like(model: Path, path: Path) -> None:
    """Give `path` the mode of `model`, and its owner where we may."""
    facts = model.stat()
    path.chmod(facts.st_mode & 0o7777)
    if os.geteuid() == 0:
        os.chown(path, facts.st_uid, facts.st_gid)


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("wb") as writing:
        writing.write(content)
        writing.flush()
        os.fsync(writing.fileno())
    if path.exists():
        like(path, unfinished)
    move(unfinished, path)
