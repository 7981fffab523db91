"""An in-memory vault for tests, and an example of how to add a kind of vault.

A new kind needs one module such as this and one line in `sqlitevault.vault.opening.KINDS`.
"""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlitevault.ground.errors import BackupExists, BackupNotFound, ChecksumMismatch, ManifestInvalid, VaultUnavailable
from sqlitevault.ground.files import full_disk_reported
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.vault.objects import require_name
from sqlitevault.vault.protocol import Capabilities, Protection, StoredObject

KIND = {"memory": "tests.contract.memory:open_memory_vault"}
GONE = "memory://gone/"
_BLOCK = 1 << 19


@dataclass(slots=True)
class Memory:
    """The content of one location."""

    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    unfinished: dict[str, datetime] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


_MEMORIES: defaultdict[str, Memory] = defaultdict(Memory)


def memory_at(location: str) -> Memory:
    """Return the content of this location."""
    return _MEMORIES[location]


def open_memory_vault(location: str) -> "MemoryVault":
    """Return the vault at `memory://name/`."""
    return MemoryVault(location.rstrip("/") + "/")


class MemoryVault:
    """Implements `vault.Vault` in memory. `memory://gone/` is a store that cannot be reached."""

    capabilities = Capabilities()

    def __init__(self, location: str) -> None:
        """Store objects under this location."""
        self.location = location

    @property
    def _memory(self) -> Memory:
        if self.location == GONE:
            raise VaultUnavailable(f"{GONE} cannot be reached", hint="Check that the memory is mounted.")
        return memory_at(self.location)

    def upload(self, name: str, source: Path, *, sha256: str, on_bytes: OnBytes = ignore_bytes) -> StoredObject:
        """Read the file, compare, store."""
        require_name(name)
        content = source.read_bytes()
        for start in range(0, len(content), _BLOCK):
            on_bytes(len(content[start : start + _BLOCK]))
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ChecksumMismatch(f"{source.name} is not what was promised", hint="Run it again.")
        return self.replace(name, content)

    def create(self, name: str, content: bytes) -> StoredObject:
        """Store under a lock."""
        with self._memory.lock:
            if require_name(name) in self._memory.objects:
                raise BackupExists(f"{name} already exists in {self.location}", hint="Nothing to do.")
            return self.replace(name, content)

    def replace(self, name: str, content: bytes) -> StoredObject:
        """Store."""
        self._memory.objects[require_name(name)] = (content, datetime.now(UTC))
        return self._stored(name)

    def objects(self, under: str = "") -> Iterator[StoredObject]:
        """Sort the names."""
        yield from [self._stored(name) for name in sorted(self._memory.objects) if name.startswith(under)]

    def read(self, name: str, *, limit: int, version: str | None = None) -> bytes:
        """Return the bytes."""
        content = self._content(name, version)
        if len(content) > limit:
            raise ManifestInvalid(f"{name} is longer than {limit:,} bytes", hint="Use another backup.")
        return content

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Write the bytes."""
        content = self._content(name, version)
        with target.open("xb", buffering=0) as out:
            try:
                with full_disk_reported(target.parent):
                    for start in range(0, len(content), _BLOCK):
                        left = memoryview(content)[start : start + _BLOCK]
                        on_bytes(len(left))
                        while left:
                            left = left[out.write(left) :]
            except BaseException:
                target.unlink()
                raise
        return hashlib.sha256(content).hexdigest()

    def delete(self, name: str) -> None:
        """Delete the object."""
        self._memory.objects.pop(require_name(name), None)

    def versions(self, name: str) -> Iterator[StoredObject]:
        """Yield the only version."""
        if require_name(name) in self._memory.objects:
            yield self._stored(name)

    def replication_status(self, name: str) -> str | None:
        """Return None: nothing is replicated."""
        self._stored(name)
        return None

    def protection(self) -> Protection:
        """Report that nothing is protected."""
        return Protection(versioned=False, lock_mode=None, lock_days=None, expiry_days=())

    def sweep(self, older_than_seconds: float) -> int:
        """Delete old unfinished uploads."""
        left = self._memory.unfinished
        old = [name for name, since in left.items() if (datetime.now(UTC) - since).total_seconds() > older_than_seconds]
        for name in old:
            del left[name]
        return len(old)

    def _stored(self, name: str) -> StoredObject:
        if require_name(name) not in self._memory.objects:
            raise BackupNotFound(f"there is no {name} in {self.location}", hint="List the vault.")
        content, modified = self._memory.objects[name]
        return StoredObject(name, len(content), modified)

    def _content(self, name: str, version: str | None) -> bytes:
        if version is not None:
            raise BackupNotFound(f"{self.location} keeps no versions", hint="Omit the version.")
        self._stored(name)
        return self._memory.objects[name][0]
