"""Restore configuration files: changed ones are kept, `.env` is never written, redacted secrets replace nothing."""

import difflib
from collections.abc import Iterator
from pathlib import Path

from sqlitevault.configuration.secrets import REDACTED
from sqlitevault.configuration.variables import ENV_STRUCTURE, ENVIRONMENT, missing_variables
from sqlitevault.ground.report import Report
from sqlitevault.restore import durable
from sqlitevault.restore.target import kept_path
from sqlitevault.site import Site


class FileChange(Report):
    """What a restore would do to one file: `create`, `replace`, `unchanged`, or `beside`.

    `beside`: the backup's copy has redacted secrets, so it is written beside the present file.
    """

    path: str
    action: str
    diff: tuple[str, ...] = ()


class ConfigReport(Report):
    """Files written, previous ones kept, files written beside the present ones, and variables that `.env` lacks."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    beside: tuple[str, ...]
    missing_variables: tuple[str, ...]


def plan_config(site: Site, staged: Path) -> tuple[FileChange, ...]:
    """Compare the configuration in `staged` with the present files; changes nothing."""
    return tuple(_change(source, present) for source, present in _files(site, staged))


def variables_missing(site: Site, staged: Path) -> tuple[str, ...]:
    """Name the variables that the backup's `.env` had and the present one lacks."""
    structure = staged / ENV_STRUCTURE
    if not structure.exists():
        return ()
    present = site.settings.config_root / ENVIRONMENT
    text = present.read_text(errors="replace") if present.is_file() else None
    return missing_variables(structure.read_text(errors="replace"), text)


def restore_config(site: Site, staged: Path) -> ConfigReport:
    """Write the files in `staged` to where they came from below CONFIG_ROOT.

    Killed at any point, each file is the old one or the new one; another run finishes the work.
    """
    written: list[str] = []
    beside: list[str] = []
    kept = []
    for source, present in _files(site, staged):
        action = _change(source, present).action
        if action == "unchanged":
            continue
        present.parent.mkdir(parents=True, exist_ok=True)
        if action == "replace":
            keep = kept_path(present, site.now())
            durable.copy(present, keep)
            kept.append(str(keep))
        target = present.with_name(f"{present.name}.from_backup") if action == "beside" else present
        durable.write(target, source.read_bytes())
        (beside if action == "beside" else written).append(str(target))
    return ConfigReport(
        written=tuple(written),
        kept=tuple(kept),
        beside=tuple(beside),
        missing_variables=variables_missing(site, staged),
    )


def _files(site: Site, staged: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file to restore, and its place."""
    for source in sorted(path for path in staged.rglob("*") if path.is_file()):
        original = site.profile.original_path(source.relative_to(staged).as_posix())
        if original is not None:
            yield source, site.settings.config_root / original


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
