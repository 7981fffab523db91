"""Tests of promote in special places: behind a link, owned by another user, mounted as a single file."""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlitevault.ground.errors import TargetUnwritable
from sqlitevault.restore import durable
from sqlitevault.restore.promote import swap_in
from sqlitevault.restore.target import Target
from tests.crashes import leave_log
from tests.databases import make_bank, require_bank

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOBODY = 65534


def test_a_database_behind_a_link_is_replaced_at_its_real_path(tmp_path: Path) -> None:
    """The file at the link's target is replaced and its log is not replayed; the link stays."""
    real = make_bank(tmp_path / "disk" / "bank.db", journal_mode="wal")
    leave_log(real)
    link = tmp_path / "data" / "bank.db"
    link.parent.mkdir()
    link.symlink_to(real)
    kept = swap_in(Target(link), make_bank(tmp_path / "disk" / "new.db", rows=2000), now=NOW)
    assert link.is_symlink()
    assert require_bank(real) == 2000
    assert kept is not None
    assert kept.parent == real.parent
    assert not kept.is_symlink()


@contextmanager
def another_user() -> Iterator[None]:
    """Act as a user without privileges until the end of the body."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
def test_a_file_that_its_owner_could_not_read_is_not_swapped_in() -> None:
    """A restore by a user who cannot keep the file's owner is refused, and nothing changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        live = make_bank(folder / "bank.db")
        given = make_bank(folder / "given.db", rows=2000)
        for path in (folder, live, given):
            path.chmod(0o777)
        before = live.read_bytes()
        with another_user():
            replacement = folder / "new.db"
            replacement.write_bytes(given.read_bytes())
            with pytest.raises(TargetUnwritable, match="belongs to user 0") as caught:
                swap_in(Target(live), replacement, now=NOW)
        assert "as root" in caught.value.hint
        assert live.read_bytes() == before
        assert live.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_keeps_the_owner(tmp_path: Path) -> None:
    """Restored by root, the file has the owner, group and mode of the file that it replaces."""
    live, new = make_bank(tmp_path / "bank.db"), make_bank(tmp_path / "new.db", rows=2000)
    os.chown(live, NOBODY, NOBODY)
    live.chmod(0o640)
    swap_in(Target(live), new, now=NOW)
    found = live.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, NOBODY, 0o640)
    assert require_bank(live) == 2000


def test_a_copy_never_has_wider_permissions_than_its_source(tmp_path: Path) -> None:
    """While a private database is copied, other users cannot read the copy."""
    source = tmp_path / "private.db"
    source.write_bytes(b"x" * 10)
    source.chmod(0o600)
    seen: list[int] = []
    previous = os.umask(0)
    try:
        real = durable.like

        def looking(model: Path, path: Path) -> None:
            seen.append(stat.S_IMODE(path.stat().st_mode))
            real(model, path)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(durable, "like", looking)
            durable.copy(source, tmp_path / "copy.db")
    finally:
        os.umask(previous)
    assert seen == [0o600]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_file_mounted_by_itself_is_refused(tmp_path: Path) -> None:
    """A database mounted as a single file, as in a container, cannot be replaced by a rename and is refused."""
    live, other = make_bank(tmp_path / "bank.db"), make_bank(tmp_path / "other" / "bank.db")
    new = make_bank(tmp_path / "new.db", rows=2000)
    mounted = subprocess.run(["mount", "--bind", str(other), str(live)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounts are not allowed here")
    try:
        with pytest.raises(TargetUnwritable, match="mounted as a single file"):
            swap_in(Target(live), new, now=NOW)
        require_bank(live)
    finally:
        subprocess.run(["umount", str(live)], check=True)
