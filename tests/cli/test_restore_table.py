"""`sqlitevault restore --table`: deleted rows come back, and nothing else changes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.databases import execute, require_bank, rows, writer


@pytest.fixture
def damaged(home: Home) -> Home:
    """A folder whose live ledger lost entries, gained some and has one changed since the newest backup (400)."""
    execute(
        home.database,
        "DELETE FROM ledger",
        "INSERT INTO ledger(id, note) VALUES (1000, 'newer'), (7, 'changed since')",
        "DELETE FROM api_keys",
    )
    return home


def side_database(home: Home) -> Path:
    """Return the side database of the newest backup."""
    return home.database.with_name(f"devops_hub.db.tables_{home.ids[1]}")


def ledger(path: Path) -> dict[int, str]:
    """Return the notes by id."""
    return {int(str(number)): str(note) for number, note in rows(path, "SELECT id, note FROM ledger")}


def test_a_dry_run_shows_the_rows_and_changes_nothing(damaged: Home) -> None:
    """A dry run counts deleted, changed, newer and equal rows by primary key, and changes nothing."""
    before = tree(damaged.root)
    shown = damaged.run("restore", "--latest", "--table", "ledger", "--missing-only", "--dry-run").require(0).stdout
    assert ["ledger", "400", "399", "1", "1", "0"] in [line.split() for line in shown.splitlines()]
    planned = damaged.run("restore", "--latest", "--table", "ledger", "--dry-run", "--json").require(0).document
    assert planned["tables"][0]["deleted_rows"] == 399
    assert tree(damaged.root) == before


def test_the_table_goes_into_a_side_database(damaged: Home) -> None:
    """The table, proven by its digest, goes into a side database without other tables; the live one does not change."""
    live = damaged.database.read_bytes()
    done = damaged.run("restore", "--latest", "--table", "LEDGER", "--table", "api_keys").require(0)
    assert "digests equal" in done.stdout
    assert len(ledger(side_database(damaged))) == 400
    assert {
        name for (name,) in rows(side_database(damaged), "SELECT name FROM sqlite_schema WHERE type = 'table'")
    } == {
        "ledger",
        "api_keys",
        "sqlite_sequence",
    }
    assert damaged.database.read_bytes() == live
    damaged.run("restore", "--latest", "--table", "ledger").require(11, "already exists")
    damaged.run("restore", "--latest", "--table", "ledger", "--target", "elsewhere/t.db").require(0)
    assert len(ledger(damaged.root / "elsewhere" / "t.db")) == 400


def test_missing_only_brings_only_deleted_rows_back(damaged: Home) -> None:
    """`--missing-only` keeps the changed row and the newer one, and keeps the previous database."""
    done = damaged.run("restore", "--latest", "--table", "ledger", "--missing-only", "--yes").require(0)
    found = ledger(damaged.database)
    assert len(found) == 401
    assert (found[7], found[1000]) == ("changed since", "newer")
    assert "399 rows written" in done.stdout
    (kept,) = damaged.database.parent.glob("devops_hub.db.pre_restore_*")
    assert len(ledger(kept)) == 2
    assert rows(damaged.database, "SELECT count(*) FROM api_keys") == [(0,)]


def test_merge_sets_changed_rows_back(damaged: Home) -> None:
    """A merge restores changed rows and keeps rows only in the live table, in several tables; it can be undone."""
    report = damaged.run(
        "restore", "--latest", "--table", "ledger", "--table", "api_keys", "--merge", "--yes", "--json"
    ).require(0)
    assert report.document["rows_written"] == {"ledger": 400, "api_keys": 1}
    found = ledger(damaged.database)
    assert found[7] != "changed since"
    assert 1000 in found
    damaged.run("restore", "--undo", "--yes").require(0)
    assert len(ledger(damaged.database)) == 2


def test_it_merges_while_the_application_writes(home: Home) -> None:
    """A merge works while the application writes: it is one transaction among others."""
    execute(home.database, "DELETE FROM ledger WHERE id BETWEEN 100 AND 200")
    with writer(home.database):
        home.run("restore", home.ids[0], "--table", "ledger", "--missing-only", "--yes").require(0)
    assert require_bank(home.database) >= 500


@pytest.mark.parametrize("terminal", [True, False], ids=["answered n", "no terminal"])
def test_a_merge_needs_consent(damaged: Home, terminal: bool) -> None:
    """Without consent nothing changes, and the refusal says how many rows would be written."""
    before = tree(damaged.root)
    arguments = ("restore", "--latest", "--table", "ledger", "--merge")
    run = damaged.run_on_terminal(*arguments, answer="n") if terminal else damaged.run(*arguments)
    run.require(11, "this would write 400 rows into data/devops_hub.db")
    assert tree(damaged.root) == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(("--latest", "--merge"), 2, "are for single tables", id="merge of nothing"),
        pytest.param(("--latest", "--missing-only"), 2, "are for single tables", id="missing-only of nothing"),
        pytest.param(("--latest", "--table", "nope"), 2, "has no table nope", id="no such table"),
        pytest.param(("--latest", "--table", "nope", "--merge", "--yes"), 2, "has no table", id="merge no such table"),
        pytest.param(
            ("--latest", "--table", "ledger", "--merge", "--target", "x.db"),
            2,
            "a merge goes into the live one",
            id="target",
        ),
        pytest.param(
            ("--latest", "--table", "ledger", "--target", "data/devops_hub.db", "--yes"), 2, "is the live", id="live"
        ),
        pytest.param(("--latest", "--table", "ledger", "--config-only"), 2, "--table", id="config"),
        pytest.param(("--undo", "--table", "ledger", "--yes"), 2, "--undo", id="undo"),
    ],
)
def test_options_that_cannot_work_are_refused(damaged: Home, arguments: tuple[str, ...], code: int, said: str) -> None:
    """Options that contradict each other, or name a missing table, are refused, and nothing changes."""
    before = tree(damaged.root)
    damaged.run("restore", *arguments).require(code, said)
    assert tree(damaged.root) == before


@pytest.mark.parametrize(
    ("prepare", "code", "said"),
    [
        pytest.param("ALTER TABLE ledger ADD COLUMN extra", 2, "other columns", id="other columns"),
        pytest.param("DROP TABLE ledger", 2, "no table", id="dropped"),
    ],
)
def test_a_table_with_another_schema_is_not_merged(home: Home, prepare: str, code: int, said: str) -> None:
    """If the table's schema changed, a merge is refused before it keeps a copy; a side database still works."""
    execute(home.database, prepare)
    before = tree(home.root)
    home.run("restore", "--latest", "--table", "ledger", "--merge", "--yes").require(code, said)
    assert tree(home.root) == before
    home.run("restore", "--latest", "--table", "ledger").require(0)
    assert len(ledger(side_database(home))) == 400


def test_a_side_database_needs_no_live_database(home: Home) -> None:
    """If the live database is lost or corrupt, only the comparison is missing; a merge is refused."""
    home.database.write_bytes(b"garbage" * 1000)
    done = home.run("restore", "--latest", "--table", "ledger").require(0)
    assert "could not be compared" in done.stdout
    home.database.unlink()
    home.run("restore", "--latest", "--table", "ledger", "--merge", "--yes").require(10, "to merge into")


def test_before_an_incident_means_strictly_before(home: Home) -> None:
    """A backup of the incident's second is skipped, as it may hold the damage; the output counts skipped backups."""
    newest = datetime.strptime(home.ids[1][-15:], "%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    at = home.run("restore", "--at", f"{newest:%Y-%m-%dT%H:%M:%SZ}", "--dry-run", "--json").require(0).document
    assert at["backup_id"] == home.ids[1]
    shown = home.run("restore", "--before-incident", f"{newest:%Y-%m-%dT%H:%M:%SZ}", "--dry-run").require(0).stdout
    assert f"{home.ids[0]} (the newest good backup before " in shown
    assert "passed over: 1 newer backup: not before" in shown
    later = f"{newest + timedelta(seconds=1):%Y-%m-%d %H:%M:%S}"
    home.run("restore", "--before-incident", later, "--yes").require(0)
    assert require_bank(home.database) == 400


def test_one_time_limit_is_enough(home: Home) -> None:
    """`--at` and `--before-incident` contradict each other."""
    home.run("restore", "--at", "2026-01-01", "--before-incident", "2026-01-01").require(2, "name one backup")
