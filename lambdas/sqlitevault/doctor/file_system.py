"""The file system of the source: whether locks, caches and file times work across hosts as it is mounted."""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.doctor.report import Finding, ok, problem, warning
from sqlitevault.snapshot.fresh import Vanished, View, beside, look

_MOUNT, _TIMES = "file system", "file times"
MOUNTINFO = Path("/proc/self/mountinfo")

_LOCAL = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs", "zfs"})
_IN_MEMORY = frozenset({"ramfs", "tmpfs"})
_NFS = frozenset({"nfs", "nfs4"})
_LEAST_NFS_VERSION = 4
_REMOUNT = "Mount it as NFS version 4 with locks and close-to-open consistency, as the EFS mount helper does."
# Options that keep locks on this host (nfs(5)), or let a new open see old data.
_LOCKS_STAY_HERE = ("nolock", "local_lock=all", "local_lock=posix")
_STALE_DATA = ("nocto",)
_SECOND = 1_000_000_000  # in nanoseconds; the change time, which no program can set, shows the resolution

State = tuple[View, View | None]  # of the database and its log, at one moment


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mountinfo (proc_pid_mountinfo(5)); the options are those of mount and file system."""

    point: str
    kind: str
    device: str
    options: frozenset[str]

    @property
    def nfs_version(self) -> float:
        """The negotiated version; 0 if the options lack it."""
        versions = (re.fullmatch(r"vers=(\d(\.\d)?)", option) for option in self.options)
        return next((float(version[1]) for version in versions if version), 0.0)


def check_mount(path: Path, mountinfo: Path = MOUNTINFO) -> Finding:
    """Check the file system of `path`, whose symbolic links are resolved."""
    found = mount_of(path, mountinfo)
    if found is None:
        return warning(_MOUNT, "cannot be determined on this system", hint="Only Linux is supported for backups.")
    where = f"{found.kind} ({found.device} at {found.point})"
    if found.kind in _NFS:
        return _network(found, where)
    if found.kind in _LOCAL:
        return ok(_MOUNT, f"local, {where}", hint="Other hosts cannot reach it: run backups on this one.")
    if found.kind == "overlay":
        return warning(
            _MOUNT,
            f"a container's own layer, {where}",
            hint="It disappears with the container, and the first write to a file may replace the file: keep the "
            "database on a volume.",
        )
    if found.kind in _IN_MEMORY:
        return warning(_MOUNT, f"in memory, {where}", hint="It is lost at a restart: keep the database on a disk.")
    return warning(
        _MOUNT,
        f"{where}, on which snapshots were never tested",
        hint="Locks and file times may not work there: put the database on a local disk, NFS 4 or EFS.",
    )


def _network(mount: Mount, where: str) -> Finding:
    local = sorted(mount.options.intersection(_LOCKS_STAY_HERE))
    if local:
        return problem(_MOUNT, f"{where} keeps locks on this host ({', '.join(local)})", hint=_REMOUNT)
    stale = sorted(mount.options.intersection(_STALE_DATA))
    if stale:
        return problem(_MOUNT, f"{where} may show old data ({', '.join(stale)})", hint=_REMOUNT)
    if mount.nfs_version < _LEAST_NFS_VERSION:
        version = f"version {mount.nfs_version:g}" if mount.nfs_version else "of unknown version"
        return warning(_MOUNT, f"NFS {version}, {where}: snapshots were tested only with version 4", hint=_REMOUNT)
    return ok(_MOUNT, f"NFS version {mount.nfs_version:g}, as EFS: {where}")


def mount_of(path: Path, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """Return the mount that holds `path`; None if the kernel does not list mounts."""
    try:
        lines = mountinfo.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    # Of two mounts at one place, the later one hides the other.
    above = [mount for mount in map(_parse, reversed(lines)) if path.is_relative_to(mount.point)]
    return max(above, key=lambda mount: len(mount.point), default=None)


def _parse(line: str) -> Mount:
    of_mount, _, of_file_system = line.partition(" - ")
    _, _, _, _, point, options, *_ = of_mount.split(" ")
    kind, device, more = of_file_system.split(" ")[:3]
    return Mount(_plain(point), kind, _plain(device), frozenset((*options.split(","), *more.split(","))))


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def look_at_times(source: Path) -> State:
    """Return the present state on the server."""
    try:
        log = look(beside(source, "-wal"))
    except (Vanished, PermissionError):
        log = None
    return look(source), log


def judge_times(before: State, after: State, seconds: float) -> Finding:
    """Check that a write between the two states changed the file times, on which copies without a lock rely."""
    if all(view.fingerprint.changed % _SECOND == 0 for view in after if view is not None):
        return problem(
            _TIMES,
            "all times are whole seconds: two writes within one second cannot be distinguished",
            hint="Move the database to a file system with finer times, such as NFS 4, EFS, ext4 or xfs.",
        )
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old and new]
    same = [(old, new) for old, new in pairs if old.fingerprint.identity == new.fingerprint.identity]
    written = [(old.fingerprint, new.fingerprint) for old, new in same if _content_differs(old, new)]
    if any(old.modified == new.modified and old.changed == new.changed for old, new in written):
        return problem(
            _TIMES,
            "the database was written, but neither its modification time nor its change time moved",
            hint="Copies without a lock cannot be trusted there: check how the file system is mounted on both hosts.",
        )
    if any(old.modified == new.modified for old, new in written):
        return warning(
            _TIMES,
            "the database was written; its change time moved, but its modification time did not",
            hint="A program sets the time back. Backups compare both times, so one is enough.",
        )
    if all(old.fingerprint.modified == new.fingerprint.modified for old, new in same):
        hint = "Run it again while the application writes."
        if after[1] is not None:
            hint += " Over NFS, commits with synchronous=NORMAL arrive up to about 35 s late; with FULL at once."
        return ok(_TIMES, f"not observed: no write reached this host within {seconds:.1f} s", hint)
    return ok(_TIMES, f"observed: they moved with a write within {seconds:.1f} s")


def _content_differs(old: View, new: View) -> bool:
    """Compare the first bytes and the size: a difference proves a write, equality proves nothing."""
    return old.first != new.first or old.fingerprint.size != new.fingerprint.size
