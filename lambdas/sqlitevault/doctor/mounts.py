"""Which file system the source lies on, and whether it is mounted so that locks and caches work across hosts."""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.doctor.report import Finding, ok, problem, warning

NAME = "file system"
MOUNTINFO = Path("/proc/self/mountinfo")

_LOCAL = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs", "zfs"})
_IN_MEMORY = frozenset({"ramfs", "tmpfs"})
_NFS = frozenset({"nfs", "nfs4"})
_LEAST_NFS_VERSION = 4
_REMOUNT = "Mount it as NFS version 4 with locks and close-to-open consistency, as the EFS mount helper does."
# What keeps locks on this host (nfs(5)), or lets a new open see old data.
_LOCKS_STAY_HERE = ("nolock", "local_lock=all", "local_lock=posix")
_STALE_DATA = ("nocto",)


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo (proc_pid_mountinfo(5)); the options are those of mount and file system."""

    point: str
    kind: str
    device: str
    options: frozenset[str]

    @property
    def nfs_version(self) -> float:
        """The version that was negotiated; 0 if it is not told."""
        told = (re.fullmatch(r"vers=(\d(\.\d)?)", option) for option in self.options)
        return next((float(version[1]) for version in told if version), 0.0)


def file_system(path: Path, mountinfo: Path = MOUNTINFO) -> Finding:
    """Judge the file system on which `path`, symbolic links resolved, lies."""
    mount = mount_of(path, mountinfo)
    if mount is None:
        return warning(NAME, "cannot be told on this system", hint="Only Linux is supported for backups.")
    where = f"{mount.kind} ({mount.device} at {mount.point})"
    if mount.kind in _NFS:
        return _network(mount, where)
    if mount.kind in _LOCAL:
        return ok(NAME, f"local, {where}", hint="Another host does not reach it: run backups on this one.")
    if mount.kind == "overlay":
        return warning(
            NAME,
            f"a container's own layer, {where}",
            hint="It is gone with the container, and a file in it may be replaced when it is first written: keep the "
            "database on a volume.",
        )
    if mount.kind in _IN_MEMORY:
        return warning(NAME, f"in memory, {where}", hint="It is gone after a restart: keep the database on a disk.")
    return warning(
        NAME,
        f"{where}, with which snapshots were never tried",
        hint="Whether locks and file times work there is not known: put the database on a local disk, NFS 4 or EFS.",
    )


def _network(mount: Mount, where: str) -> Finding:
    local = sorted(mount.options.intersection(_LOCKS_STAY_HERE))
    if local:
        return problem(NAME, f"{where} keeps locks on this host ({', '.join(local)})", hint=_REMOUNT)
    stale = sorted(mount.options.intersection(_STALE_DATA))
    if stale:
        return problem(NAME, f"{where} may show old data ({', '.join(stale)})", hint=_REMOUNT)
    if mount.nfs_version < _LEAST_NFS_VERSION:
        told = f"version {mount.nfs_version:g}" if mount.nfs_version else "of a version that is not told"
        return warning(NAME, f"NFS {told}, {where}: snapshots were tried with version 4 alone", hint=_REMOUNT)
    return ok(NAME, f"NFS version {mount.nfs_version:g}, as EFS: {where}")


def mount_of(path: Path, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """Return the mount on which `path` lies; None where the kernel does not tell."""
    try:
        lines = mountinfo.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: Mount | None = None
    for mount in map(_parse, lines):
        # Of two mounts at one place, the later one covers the other.
        if path.is_relative_to(mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _parse(line: str) -> Mount:
    of_mount, _, of_file_system = line.partition(" - ")
    _, _, _, _, point, options, *_ = of_mount.split(" ")
    kind, device, more = of_file_system.split(" ")[:3]
    return Mount(_plain(point), kind, _plain(device), frozenset((*options.split(","), *more.split(","))))


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
