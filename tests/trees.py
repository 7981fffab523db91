"""Snapshots of folders: if two are equal, nothing in the folder has changed."""

import hashlib
from pathlib import Path


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Return inode and SHA-256 of every file below a folder by path, and the folders."""
    return {str(path.relative_to(root)): _fingerprint(path) for path in sorted(root.rglob("*"))}


def _fingerprint(path: Path) -> tuple[int, str]:
    content = path.read_bytes() if path.is_file() else b""
    return path.stat().st_ino, hashlib.sha256(content).hexdigest()
