"""`sqlitevault verify`: checks of archives, without writing anything."""

from pathlib import Path

import pytest

from tests.cli.home import Home, tree


def damage(archive: Path) -> None:
    """Flip one bit in the middle."""
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(content)


@pytest.mark.parametrize("naming", ["id", "latest", "path", "all"])
def test_a_good_backup_passes_and_nothing_is_written(home: Home, naming: str) -> None:
    """`verify` takes an id, `latest`, a path or `--all`; it shows every check and changes no file."""
    named = {"id": home.ids[1], "latest": "latest", "path": f"backups/{home.ids[1]}.tar.gz", "all": "--all"}
    before = tree(home.root)
    done = home.run("verify", named[naming]).require(0)
    for check in ("SHA-256 as in the manifest", "integrity_check", "3 tables, 451 rows, digests equal"):
        assert check in done.stdout
    assert (home.ids[0] in done.stdout) == (naming == "all")
    assert "within the RTO of 15 min" in done.stdout
    assert tree(home.root) == before
    assert list(home.scratch.iterdir()) == []


def test_a_damaged_backup_is_named_and_the_others_are_checked(home: Home) -> None:
    """A damaged backup ends with code 12; with `--json`, stdout is still one document with the reports of all."""
    damage(home.archive(home.ids[0]))
    before = tree(home.root)
    done = home.run("verify", "--all", "--json")
    done.require(12, f"IntegrityCheckFailed: 1 of 2 backups are damaged: {home.ids[0]}")
    assert {report["backup_id"]: report["passed"] for report in done.document} == {
        home.ids[0]: False,
        home.ids[1]: True,
    }
    assert tree(home.root) == before


def test_an_archive_without_its_manifest(home: Home, tmp_path: Path) -> None:
    """An archive without its manifest is checked against the manifest inside, and the report says so."""
    moved = tmp_path / "elsewhere.tar.gz"
    home.archive(home.ids[0]).rename(moved)
    shown = home.run("verify", moved).require(0).stdout
    assert "no manifest to compare with" in shown
    assert "3 tables, 551 rows, digests equal" in shown


def test_the_original_scripts_archive(new_home: Home, legacy_archive: Path) -> None:
    """The original script's archive passes, although it records a wrong checksum of itself."""
    shown = new_home.run("verify", legacy_archive).require(0).stdout
    assert "integrity_check" in shown
    assert "counts equal" in shown


@pytest.mark.xdist_group("aws")
def test_a_backup_in_a_bucket(cloud_home: Home) -> None:
    """An s3:// URI names an archive in a bucket; `--all --from` checks all backups there."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    made = cloud_home.run("backup", "--to", vault, "--json", "--no-drill").require(0).document
    (report,) = cloud_home.run("verify", f"{vault}{made['archive']}", "--json").require(0).document
    assert (report["backup_id"], report["passed"]) == (made["backup_id"], True)
    assert made["backup_id"] in cloud_home.run("verify", "--all", "--from", vault).require(0).stdout
