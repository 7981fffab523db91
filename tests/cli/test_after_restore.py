"""The end of a restore: the report of losses, keys and next steps, and a new backup."""

from tests.cli.home import Home
from tests.databases import execute, require_bank


def test_the_closing_message_is_complete(home: Home) -> None:
    """The message names the restored backup, the lost time, the keys, the checks to make, and the backup to take."""
    done = home.run("restore", home.ids[0], "--db-only", "--yes").require(0).stdout
    assert f"as of {home.ids[0]}" in done
    assert "lost: data written after " in done
    assert "1 API key existed at that time, 1 of them active (ci)" in done
    assert "/health and /agents" in done
    assert "Take a fresh backup now: sqlitevault backup" in done


def test_backup_after_takes_a_proven_backup_of_the_restored_database(home: Home) -> None:
    """The new backup goes to BACKUP_DIR, and the message does not ask for another one."""
    moved = home.backups.rename(home.root / "rescued")
    done = home.run("restore", "--latest", "--from", "rescued", "--yes", "--backup-after").require(0).stdout
    assert require_bank(home.database) == 400
    (fresh,) = home.ids
    assert f"fresh backup {fresh}, proven" in done
    assert "Take a fresh backup" not in done
    assert len(list(moved.glob("*.manifest.json"))) == 2
    execute(home.database, "DELETE FROM ledger")
    home.run("restore", "--latest", "--yes").require(0)
    assert require_bank(home.database) == 400


def test_backup_after_is_in_the_json(home: Home) -> None:
    """One JSON document reports the staging, the promotion and the new backup."""
    document = home.run("restore", "--latest", "--yes", "--backup-after", "--json").require(0).document
    assert document["backup_after"]["backup_id"] == home.ids[-1]
    assert document["promoted"]["key_metadata"][1].startswith("k1,ci,")
