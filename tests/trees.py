"""Folders as values: if equal before and after, nothing in them changed."""

import hashlib
from pathlib import Path


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Return inode and SHA-256 of every file below a folder, by its path; folders themselves count as well."""
    return {str(path.relative_to(root)): _fingerprint(path) for path in sorted(root.rglob("*"))}


def _fingerprint(path: Path) -> tuple[int, str]:
    content = path.read_bytes() if path.is_file() else b""
    return path.stat().st_ino, hashlib.sha256(content).hexdigest()
