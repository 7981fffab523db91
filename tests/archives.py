"""Test archives: a small genuine one, and crafted ones with any header."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.unpacking import read_manifest
from sqlitevault.archive.writing import write_archive
from sqlitevault.catalog.manifest import Archive, File, Manifest, Scope, Source, Table, Tool
from sqlitevault.ground.facts import Tier

BACKUP_ID = "devops_hub_backup_20260131_020000"
LEGACY = Path(__file__).parent / "data" / "devops_hub_backup_20261123_074934.tar.gz"
CONTENT = {
    "db_stats.txt": b"Database Statistics:\nagents: 2\n",
    "api_keys_metadata.csv": b"id,name,scopes,is_active,created_at,expires_at\n",
    "devops_hub.db": b"SQLite format 3\0" + bytes(range(256)) * 40,
    "devops_hub.sql": b"BEGIN TRANSACTION;\nCREATE TABLE agents(id);\nCOMMIT;\n",
    "config/docker-compose.yml": b"services: {}\n",
    "config/k8s/namespace.yaml": b"kind: Namespace\n",
}


@dataclass(frozen=True, slots=True)
class Backup:
    """An archive with the manifest that a vault would hold beside it."""

    archive: Path
    manifest: Manifest


def manifest_of(recorded: Iterable[File], **changes: object) -> Manifest:
    """Return a manifest that records these files, with any field changed."""
    fields: dict[str, object] = {
        "backup_id": BACKUP_ID,
        "created_at": datetime(2026, 1, 31, 2, tzinfo=UTC),
        "tier": Tier.HOURLY,
        "scope": Scope.ALL,
        "source": Source(name="devops_hub", path="data/devops_hub.db", host="test"),
        "tables": (Table(name="agents", rows=2, digest="0" * 64),),
        "files": tuple(recorded),
        "tool": Tool(version="1.0.0"),
    }
    return Manifest.model_validate(fields | changes)


def members_in(folder: Path, content: dict[str, bytes]) -> list[Member]:
    """Write files and return them as members."""
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return [Member(path, folder / path) for path in content]


def backup_in(folder: Path, content: dict[str, bytes] | None = None) -> Backup:
    """Make a genuine backup of this content."""
    members = members_in(folder / "members", CONTENT if content is None else content)
    manifest = manifest_of(describe(members))
    archive = folder / manifest.archive_name
    packed = write_archive(manifest, members, archive)
    return Backup(archive, manifest.model_copy(update={"archive": packed}))


def legacy_in(folder: Path, content: dict[str, bytes]) -> Backup:
    """Pack this content as the original script does, with the manifest to which its own is translated."""
    original = {"backup_name": BACKUP_ID, "timestamp": "2026-01-31T02:00:00+00:00", "hostname": "vm"}
    sums = [f"{hashlib.sha256(data).hexdigest()}  ./{path}\n" for path, data in content.items()]
    sums.insert(1, f"{'7' * 64}  ./checksums.sha256\n")
    files = {
        **content,
        "checksums.sha256": "".join(sums).encode(),
        "MANIFEST.json": json.dumps(original | {"database_path": "data/devops_hub.db"}, indent=4).encode(),
    }
    folders = (entry(path, kind=tarfile.DIRTYPE) for path in ("", "config"))
    folder.mkdir(parents=True, exist_ok=True)
    archive = crafted(folder, *folders, *(entry(path, data) for path, data in files.items()))
    whole = file_of(archive.name, archive.read_bytes())
    packed = Archive(name=archive.name, bytes=whole.bytes, sha256=whole.sha256)
    return Backup(archive, read_manifest(archive).model_copy(update={"archive": packed}))


def file_of(path: str, data: bytes) -> File:
    """Return the manifest's entry for a file with this content."""
    return File(path=path, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def entry(name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = -1) -> bytes:
    """Return a tar entry below the backup's top folder; an absolute name stays as it is."""
    info = tarfile.TarInfo(name if name.startswith("/") else f"{BACKUP_ID}/{name}")
    info.type = kind
    info.linkname = link
    info.size = len(data) if size < 0 else size
    return raw_entry(info, data)


def raw_entry(info: tarfile.TarInfo, data: bytes = b"") -> bytes:
    """Return the entry with exactly this header."""
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape") + data + b"\0" * (-len(data) % 512)


def head(content: dict[str, bytes], manifest: Manifest | None = None) -> bytes:
    """Return the first two entries of format 1 for this content."""
    inner = (manifest or manifest_of(file_of(path, data) for path, data in content.items())).to_json()
    listed = {"MANIFEST.json": inner, **content}
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in listed.items()).encode()
    return entry("MANIFEST.json", inner) + entry("checksums.sha256", sums)


def crafted(folder: Path, *entries: bytes, end: bytes = b"\0" * 1024) -> Path:
    """Write an archive of these entries."""
    path = folder / "crafted.tar.gz"
    path.write_bytes(gzip.compress(b"".join(entries) + end, 1, mtime=0))
    return path


def genuine_entries(content: dict[str, bytes]) -> bytes:
    """Return the entries of a genuine archive with this content, without the end mark."""
    return head(content) + b"".join(entry(path, data) for path, data in content.items())


def tar_of(archive: Path) -> bytes:
    """Return the tar inside an archive."""
    return gzip.decompress(archive.read_bytes())


def names_in(archive: Path) -> list[str]:
    """Return the member names, as Python's own tar reader sees them."""
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes()), mode="r:gz") as tar:
        return tar.getnames()
