"""Tests of the source's file system, from lines in the kernel's format (proc_pid_mountinfo(5))."""

from pathlib import Path

import pytest

from sqlitevault.doctor.file_system import check_mount, mount_of
from sqlitevault.doctor.report import Level

_ROOT = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,discard"
_EFS_OPTIONS = "vers=4.1,rsize=1048576,wsize=1048576,hard,noresvport,proto=tcp,port=20127,timeo=600,retrans=2,sec=sys"
_EFS = f"90 22 0:52 / /mnt/source rw,relatime - nfs4 127.0.0.1:/ rw,{_EFS_OPTIONS},local_lock=none,addr=127.0.0.1"
_LOCAL_LOCKS, _LOCAL_POSIX, _LOCAL_FLOCK = (
    _EFS.replace("local_lock=none", f"local_lock={kind}") for kind in ("all", "posix", "flock")
)
_DATABASE = Path("/mnt/source/data/devops_hub.db")


def _mountinfo(folder: Path, *lines: str) -> Path:
    file = folder / "mountinfo"
    file.write_text("\n".join((_ROOT, *lines)) + "\n")
    return file


def _mounted(kind: str, device: str = "device", options: str = "rw") -> str:
    return f"90 22 0:52 / /mnt/source rw,relatime shared:7 master:3 - {kind} {device} {options}"


@pytest.mark.parametrize(
    ("line", "level", "detail"),
    [
        pytest.param(_EFS, Level.OK, "NFS version 4.1, as EFS", id="EFS"),
        pytest.param(_mounted("nfs4", "server:/", "rw,vers=4.2"), Level.OK, "NFS version 4.2", id="NFS 4.2"),
        pytest.param(_mounted("xfs", "/dev/sdb1"), Level.OK, "local, xfs (/dev/sdb1", id="local disk"),
        pytest.param(_LOCAL_LOCKS, Level.PROBLEM, "local_lock=all", id="local locks"),
        pytest.param(_LOCAL_POSIX, Level.PROBLEM, "locks on this host", id="posix"),
        pytest.param(_LOCAL_FLOCK, Level.OK, "NFS version 4.1", id="only flock"),
        pytest.param(_EFS.replace("hard", "hard,nocto"), Level.PROBLEM, "may show old data (nocto)", id="nocto"),
        pytest.param(_mounted("nfs", "s:/", "rw,vers=3,nolock"), Level.PROBLEM, "nolock", id="nolock"),
        pytest.param(_mounted("nfs", "s:/", "rw,vers=3"), Level.WARNING, "NFS version 3", id="NFS 3"),
        pytest.param(_mounted("nfs4", "s:/", "rw"), Level.WARNING, "of unknown version", id="version unknown"),
        pytest.param(_mounted("overlay", "none", "rw,lowerdir=/a"), Level.WARNING, "a container's own", id="overlay"),
        pytest.param(_mounted("tmpfs", "tmpfs"), Level.WARNING, "in memory", id="memory"),
        pytest.param(_mounted("cifs", "//nas/share"), Level.WARNING, "never tested", id="SMB"),
        pytest.param(_mounted("fuse.s3fs", "s3fs"), Level.WARNING, "never tested", id="a bucket as a folder"),
    ],
)
def test_the_file_system_is_judged(tmp_path: Path, line: str, level: Level, detail: str) -> None:
    """Suitable file systems are ok; those with local locks are problems; untested ones are warnings."""
    found = check_mount(_DATABASE, _mountinfo(tmp_path, line))
    assert found.level is level
    assert detail in found.detail
    assert found.hint or level is Level.OK


def test_the_innermost_and_latest_mount_counts(tmp_path: Path) -> None:
    """The innermost mount counts, the latest one at the same place, and not one whose path only begins alike."""
    inner = "91 90 0:53 / /mnt/source/data rw - xfs /dev/sdc rw"
    cover = "92 91 0:54 / /mnt/source/data rw - btrfs /dev/sdd rw"
    longer = "93 22 0:55 / /mnt/source/dat rw - tmpfs tmpfs rw"
    mountinfo = _mountinfo(tmp_path, _EFS, inner, cover, longer)
    mount = mount_of(_DATABASE, mountinfo)
    assert mount is not None
    assert (mount.point, mount.kind, mount.device) == ("/mnt/source/data", "btrfs", "/dev/sdd")
    assert (mount_of(Path("/etc/x"), mountinfo) or mount).kind == "ext4"


def test_a_mount_point_with_a_space(tmp_path: Path) -> None:
    """A space, which the kernel writes as an octal number, is decoded."""
    mountinfo = _mountinfo(tmp_path, r"91 22 0:53 / /mnt/my\040data rw - xfs /dev/sdc rw")
    mount = mount_of(Path("/mnt/my data/a.db"), mountinfo)
    assert mount is not None
    assert mount.point == "/mnt/my data"


def test_a_system_without_a_list_of_mounts(tmp_path: Path) -> None:
    """Without the kernel's list, the file system is reported as unknown."""
    assert check_mount(_DATABASE, tmp_path / "none").level is Level.WARNING


def test_this_hosts_list_is_parsed(tmp_path: Path) -> None:
    """Every line of the real list parses, and the mount of the test's folder is found."""
    mount = mount_of(tmp_path)
    assert mount is not None
    assert tmp_path.is_relative_to(mount.point)
