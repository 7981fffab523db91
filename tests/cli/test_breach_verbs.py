"""`sqlitevault keys` and `sqlitevault audit`: the first steps after a breach."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sqlitevault.cli import main, options
from sqlitevault.ground.steps import OnBytes, ignore_bytes
from sqlitevault.vault.directory import DirectoryVault
from tests.cli.home import Home, tree
from tests.cli.mistakes import break_database
from tests.databases import execute, holding_the_lock, rows

HASH = "SECRET-HASH"
_EVENTS = (
    "CREATE TABLE events (id INTEGER PRIMARY KEY, timestamp TEXT, type TEXT, source TEXT, data TEXT)",
    "INSERT INTO events VALUES (1, '2026-01-01T10:00:00', 'auth.login', 'web', '{\"user\": \"[bold]ann\"}')",
    "INSERT INTO events VALUES (2, '2026-01-01T12:00:00', 'auth.failed', 'web', NULL)",
    "INSERT INTO events VALUES (3, '2026-01-01T11:00:00', 'auth_x', 'web', '{}')",
    "INSERT INTO events VALUES (4, '2026-01-01T13:00:00', 'workflow.auth', 'job', '{}')",
)


def _active(home: Home) -> list[tuple[object, ...]]:
    return rows(home.database, "SELECT id FROM api_keys WHERE is_active ORDER BY id")


@pytest.fixture
def keyed(new_home: Home) -> Home:
    """A home with two active keys and an inactive one."""
    execute(
        new_home.database,
        f"INSERT INTO api_keys VALUES ('k2', '{HASH}2', 'web [ui]', '[\"read\"]', 1, '2026-02-01', '2027-02-01')",
        f"INSERT INTO api_keys VALUES ('k3', '{HASH}3', 'old', '[]', 0, '2025-02-01', NULL)",
    )
    return new_home


def test_keys_are_listed_without_their_hashes(keyed: Home) -> None:
    """`keys` shows everything except the hashes, as JSON and on the screen, and writes nothing."""
    before = tree(keyed.root)
    done = keyed.run("keys", "list", "--json").require(0)
    assert [(key["id"], key["is_active"]) for key in done.document["keys"]] == [
        ("k1", True),
        ("k2", True),
        ("k3", False),
    ]
    shown = keyed.run("keys", "list").require(0).stdout
    assert "web [ui]" in shown
    assert HASH not in done.stdout + shown
    assert tree(keyed.root) == before


def test_revoking_takes_a_proven_backup_first(keyed: Home) -> None:
    """Both active keys become inactive; in the backup that was taken first, they are still active."""
    done = keyed.run("keys", "revoke", "--all", "--json").require(0).document
    assert done["revoked"] == 2
    assert _active(keyed) == []
    assert rows(keyed.database, "SELECT count(*) FROM api_keys") == [(3,)]
    (listed,) = keyed.run("list", "--json").require(0).document
    assert (listed["backup_id"], listed["proven"]) == (done["backup_id"], True)
    kept = keyed.run("keys", "list", "--backup", done["backup_id"], "--json").require(0).document
    assert kept["of"] == done["backup_id"]
    assert [key["is_active"] for key in kept["keys"]] == [True, True, False]


def test_a_failed_own_check_does_not_stop_the_revocation(keyed: Home) -> None:
    """A failed check of DRILL_SQL does not mean that the backup cannot be restored."""
    keyed.run("keys", "revoke", "--all", DRILL_SQL="SELECT count(*) FROM stolen => 1").require(0)
    assert _active(keyed) == []


def test_revoking_again_finds_no_active_key(keyed: Home) -> None:
    """Revoking without an active key succeeds, and still takes a backup."""
    execute(keyed.database, "UPDATE api_keys SET is_active = 0")
    assert "0 keys revoked" in keyed.run("keys", "revoke", "--all").require(0).stdout


@contextmanager
def _broken(home: Home) -> Iterator[None]:
    break_database(home)
    yield


@contextmanager
def _vault_is_a_file(home: Home) -> Iterator[None]:
    home.backups.write_text("no folder")
    yield


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    with holding_the_lock(home.database):
        yield


@pytest.mark.parametrize(
    ("fault", "code"),
    [(_broken, 12), (_vault_is_a_file, 13), (_locked, 11)],
    ids=["corrupt", "vault", "locked"],
)
def test_without_a_backup_no_key_is_changed(
    keyed: Home, fault: Callable[[Home], AbstractContextManager[None]], code: int
) -> None:
    """If the backup fails (corrupt database, unusable vault, locked database), no key is changed."""
    with fault(keyed):
        before = tree(keyed.root)
        keyed.run("keys", "revoke", "--all", SNAPSHOT_TIMEOUT_SECONDS="0.5").require(code)
        assert tree(keyed.root) == before


class BadDisk(DirectoryVault):
    """A directory vault on a disk that returns other bytes than were written."""

    def download(self, name: str, target: Path, *, version: str | None = None, on_bytes: OnBytes = ignore_bytes) -> str:
        """Return wrong bytes."""
        super().download(name, target, version=version, on_bytes=on_bytes)
        target.write_bytes(target.read_bytes()[:-1] + b"?")
        return hashlib.sha256(target.read_bytes()).hexdigest()


def test_a_failed_drill_stops_the_revocation(keyed: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the backup is committed but its drill fails, the keys stay as they are."""
    monkeypatch.chdir(keyed.root)
    usual = options.site_to_restore
    monkeypatch.setattr(
        options, "site_to_restore", lambda **given: replace(usual(**given), opener=lambda place: BadDisk(Path(place)))
    )
    done = CliRunner().invoke(main, ["keys", "revoke", "--all"], env={"SCRATCH_DIR": str(keyed.scratch)})
    assert done.exit_code == 14, done.output
    assert len(keyed.ids) == 1
    assert _active(keyed) == [("k1",), ("k2",)]


def test_a_trigger_that_refuses_is_named(keyed: Home) -> None:
    """SQLite's own message is shown; no key is changed, and the backup stays."""
    refuse = "CREATE TRIGGER t BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, 'keys are kept'); END"
    execute(keyed.database, refuse)
    keyed.run("keys", "revoke", "--all").require(15, "TargetUnwritable: ", "keys are kept")
    assert _active(keyed) == [("k1",), ("k2",)]


@pytest.mark.parametrize(
    "change", ["DROP TABLE api_keys", "ALTER TABLE api_keys DROP COLUMN is_active"], ids=["table", "column"]
)
def test_without_keys_no_backup_is_taken(keyed: Home, change: str) -> None:
    """A database without a key table fails at once, before a backup is taken."""
    execute(keyed.database, change)
    keyed.run("keys", "revoke", "--all").require(2, "no table api_keys with a column is_active")
    assert not keyed.backups.exists()


@pytest.mark.parametrize("arguments", [(), ("k1",)], ids=["nothing", "one"])
def test_only_all_keys_can_be_revoked(keyed: Home, arguments: tuple[str, ...]) -> None:
    """`keys revoke` without `--all`, or for a single key, is refused and takes no backup."""
    assert keyed.run("keys", "revoke", *arguments).code == 2
    assert _active(keyed) == [("k1",), ("k2",)]
    assert not keyed.backups.exists()


@pytest.mark.parametrize(
    "arguments", [("keys", "list"), ("keys", "revoke", "--all"), ("audit",)], ids=["list", "revoke", "audit"]
)
def test_a_database_of_another_application_is_refused(new_home: Home, arguments: tuple[str, ...]) -> None:
    """A database without the profile's tables is reported as a wrong setting."""
    execute(new_home.database, "DROP TABLE api_keys")
    new_home.run(*arguments).require(2, "ConfigError: the database has no table ")


def test_the_last_events_of_a_type(new_home: Home) -> None:
    """`audit` shows the events whose type starts with the text, newest first, with their data unchanged."""
    execute(new_home.database, *_EVENTS)
    found = new_home.run("audit", "--type", "auth", "--limit", "2", "--json").require(0).document["events"]
    assert [event["type"] for event in found] == ["auth.failed", "auth_x"]
    shown = new_home.run("audit", "--type", "auth.").require(0).stdout
    assert '{"user": "[bold]ann"}' in shown
    assert "auth_x" not in shown
    assert "workflow.auth" in new_home.run("audit").require(0).stdout


def test_an_intruders_escape_sequences_are_shown_as_symbols(new_home: Home) -> None:
    """Escape sequences, which could hide evidence, are shown as symbols on the screen and unchanged in JSON."""
    evil = "\x1b]0;title\x07\x1b[2J\rnothing\x9b31m\x7f"
    execute(
        new_home.database,
        *_EVENTS,
        f"UPDATE events SET source = '{evil}'",
        f"UPDATE api_keys SET name = '{evil}'",
    )
    new_home.run("backup", "--no-drill").require(0)
    execute(new_home.database, f'CREATE TABLE t (k TEXT PRIMARY KEY, "{evil}")')
    execute(
        new_home.database,
        "DELETE FROM api_keys",
        f"INSERT INTO api_keys VALUES ('{evil}', 'h', 'n', '[]', 1, '2026', '')",
    )
    for verb in (("audit",), ("keys", "list"), ("diff", "latest", "--rows")):
        for done in (new_home.run(*verb).require(0), new_home.run_on_terminal(*verb).require(0)):
            assert not set(done.stdout) & set("\x1b\x07\r\x9b\x7f"), done
            assert "\u241b" in done.stdout
    assert new_home.run("audit", "--json").require(0).document["events"][0]["source"] == evil


def test_deleted_events_are_found_in_a_backup(new_home: Home) -> None:
    """`audit --backup` shows events that an intruder deleted from the live database."""
    execute(new_home.database, *_EVENTS)
    made = new_home.run("backup", "--no-drill", "--json").require(0).document["backup_id"]
    execute(new_home.database, "DELETE FROM events")
    new_home.run("audit", "--type", "auth").require(0, "no such events")
    kept = new_home.run("audit", "--type", "auth", "--backup", made, "--json").require(0).document
    assert (kept["of"], len(kept["events"])) == (made, 3)
