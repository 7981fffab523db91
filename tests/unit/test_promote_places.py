"""Promote where the database is not a plain file of ours: behind a link, of another user, mounted by itself."""

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


def test_a_database_behind_a_link_is_replaced_where_it_lies(tmp_path: Path) -> None:
    """The application opens the real path; its log lies there, and must not be replayed onto the restored file."""
    real = make_bank(tmp_path / "disk" / "bank.db", journal_mode="wal")
    leave_log(real)
    link = tmp_path / "data" / "bank.db"
    link.parent.mkdir()
    link.symlink_to(real)
    kept = swap_in(Target(link, tmp_path), make_bank(tmp_path / "disk" / "new.db", rows=2000), now=NOW)
    assert link.is_symlink()
    assert require_bank(real) == 2000
    assert kept is not None
    assert kept.parent == real.parent
    assert not kept.is_symlink()


@contextmanager
def another_user() -> Iterator[None]:
    """Act as a user without rights for the duration of the body."""
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
def test_a_file_that_its_owner_could_not_read_is_not_put_in_its_place() -> None:
    """Restored by another user than the owner, the application would be locked out: refused, and nothing changed."""
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
                swap_in(Target(live, folder), replacement, now=NOW)
        assert "as root" in caught.value.hint
        assert live.read_bytes() == before
        assert live.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_gives_the_restored_file_to_its_owner(tmp_path: Path) -> None:
    """Owner, group and mode are those of the file that is replaced."""
    live, new = make_bank(tmp_path / "bank.db"), make_bank(tmp_path / "new.db", rows=2000)
    os.chown(live, NOBODY, NOBODY)
    live.chmod(0o640)
    swap_in(Target(live, tmp_path), new, now=NOW)
    found = live.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (NOBODY, NOBODY, 0o640)
    assert require_bank(live) == 2000


def test_a_copy_is_never_more_open_than_what_it_copies(tmp_path: Path) -> None:
    """While a private database is copied, nobody else can read the copy."""
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
def test_a_file_that_is_a_mount_of_its_own_is_named(tmp_path: Path) -> None:
    """A container's single-file mount cannot be replaced by a rename; the hint says what to do."""
    live, other = make_bank(tmp_path / "bank.db"), make_bank(tmp_path / "other" / "bank.db")
    new = make_bank(tmp_path / "new.db", rows=2000)
    mounted = subprocess.run(["mount", "--bind", str(other), str(live)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounts are not allowed here")
    try:
        with pytest.raises(TargetUnwritable, match="mounted as a single file"):
            swap_in(Target(live, tmp_path), new, now=NOW)
        require_bank(live)
    finally:
        subprocess.run(["umount", str(live)], check=True)
