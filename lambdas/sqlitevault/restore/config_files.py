"""Bring configuration files back: each changed one kept, `.env` never written, blanked secrets never over real ones."""

import difflib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlitevault.configuration.places import original_path
from sqlitevault.configuration.secrets import REDACTED
from sqlitevault.configuration.variables import missing_variables
from sqlitevault.ground.report import Report
from sqlitevault.restore import durable
from sqlitevault.restore.target import kept_path

_ENV_STRUCTURE = "env_structure.txt"


class FileChange(Report):
    """What a restore would do to one file: `create`, `replace`, `unchanged`, or `beside`.

    `beside`: the backup's copy has blanked secrets, so it is laid beside the present file, never over it.
    """

    path: str
    action: str
    diff: tuple[str, ...] = ()


class ConfigReport(Report):
    """What was done: files written, the previous ones kept, files laid beside, and variables that `.env` lacks."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[str, ...]
    missing_variables: tuple[str, ...]


def plan_config(staged: Path, root: Path) -> tuple[FileChange, ...]:
    """Compare the configuration in `staged` with the present files below `root`; changes nothing."""
    return tuple(_change(source, root / relative) for source, relative in _files(staged))


def variables_missing(staged: Path, root: Path) -> tuple[str, ...]:
    """Name the variables that the backup's `.env` had and the present one lacks."""
    structure = staged / _ENV_STRUCTURE
    if not structure.exists():
        return ()
    present = root / ".env"
    text = present.read_text(errors="replace") if present.is_file() else None
    return missing_variables(structure.read_text(errors="replace"), text)


def restore_config(staged: Path, root: Path, now: datetime) -> ConfigReport:
    """Write the files in `staged` to where they came from below `root`.

    Killed at any point each file is the old one or the new one, and running it again finishes.
    """
    written, kept, beside = [], [], []
    for source, relative in _files(staged):
        present = root / relative
        change = _change(source, present)
        if change.action == "unchanged":
            continue
        present.parent.mkdir(parents=True, exist_ok=True)
        if change.action == "beside":
            aside = present.with_name(f"{present.name}.from_backup")
            durable.write(aside, source.read_bytes())
            beside.append(str(aside))
            continue
        if change.action == "replace":
            keep = kept_path(present, now)
            durable.copy(present, keep)
            kept.append(str(keep))
        durable.write(present, source.read_bytes())
        written.append(str(present))
    return ConfigReport(
        written=tuple(written),
        kept=tuple(kept),
        beside=tuple(beside),
        missing_variables=variables_missing(staged, root),
    )


def _files(staged: Path) -> Iterator[tuple[Path, Path]]:
    for source in sorted(path for path in staged.rglob("*") if path.is_file()):
        original = original_path(f"config/{source.relative_to(staged).as_posix()}")
        if original is not None:
            yield source, Path(original)


def _change(source: Path, present: Path) -> FileChange:
    new = source.read_bytes()
    if not present.exists():
        return FileChange(path=str(present), action="create")
    old = present.read_bytes()
    if old == new:
        return FileChange(path=str(present), action="unchanged")
    if REDACTED.encode() in new:
        return FileChange(path=str(present), action="beside")
    return FileChange(path=str(present), action="replace", diff=_diff(old, new, present.name))


def _diff(old: bytes, new: bytes, name: str) -> tuple[str, ...]:
    before, after = (content.decode(errors="replace").splitlines() for content in (old, new))
    return tuple(difflib.unified_diff(before, after, f"{name} (now)", f"{name} (backup)", lineterm="", n=1))
