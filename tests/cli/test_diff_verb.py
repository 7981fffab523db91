"""`sqlitevault diff`: the changes between two states of the database."""

import shutil
from pathlib import Path

import pytest

from tests.cli.home import Home, tree
from tests.databases import execute


def _by_table(home: Home, *arguments: str | Path) -> dict[str, dict[str, object]]:
    found = home.run("diff", *arguments, "--json").require(0).document
    return {table["table"]: table for table in found["tables"]}


def test_deleted_rows_are_counted_and_named(home: Home) -> None:
    """`diff` counts and names the 100 rows that the newer backup lacks, finds the rest equal, and writes nothing."""
    before = tree(home.root)
    first, second = home.ids
    shown = home.run("diff", first, second, "--rows", "--limit", "2", "--json").require(0).document
    (table,) = shown["tables"]
    assert (shown["before"], shown["after"], shown["equal_tables"]) == (first, second, 2)
    assert (table["table"], table["added"], table["removed"], table["changed"]) == ("ledger", 0, 100, 0)
    assert table["rows"] == [{"kind": "removed", "key": "401"}, {"kind": "removed", "key": "402"}]
    assert tree(home.root) == before


def test_the_live_database_is_the_second_state_by_default(home: Home) -> None:
    """One name compares that backup with the live database; with the states swapped, added rows become removed ones."""
    execute(
        home.database,
        "INSERT INTO ledger(note) VALUES ('new')",
        "UPDATE ledger SET note = 'changed' WHERE id <= 3",
    )
    shown = home.run("diff", "latest", "--rows").require(0).stdout.splitlines()
    (line,) = [one.split() for one in shown if one.startswith("ledger")]
    assert line == ["ledger", "400", "301", "1", "100", "3"]
    assert "  ledger added   501" in shown
    assert "  ledger changed 3" in shown
    turned = _by_table(home, "live", f"backups/{home.ids[-1]}.tar.gz")["ledger"]
    assert (turned["added"], turned["removed"], turned["changed"]) == (100, 1, 3)


def test_rows_differ_byte_by_byte(home: Home) -> None:
    """Another case in a NOCASE key, and 1.0 instead of 1, are changes; odd names and NULL keys are shown."""
    create = 'CREATE TABLE "odd ""[bold] name" (k TEXT COLLATE NOCASE PRIMARY KEY, v)'
    insert = 'INSERT INTO "odd ""[bold] name" VALUES (\'key\', 1), (NULL, 2)'
    execute(home.database, create, insert)
    home.run("backup", "--no-drill").require(0)
    execute(home.database, 'UPDATE "odd ""[bold] name" SET k = upper(k), v = v * 1.0')
    found = _by_table(home, "latest", "--rows")['odd "[bold] name']
    assert (found["added"], found["removed"], found["changed"]) == (0, 0, 2)
    assert found["rows"] == [{"kind": "changed", "key": "'KEY'"}, {"kind": "changed", "key": "NULL"}]
    assert 'odd "[bold] name' in home.run("diff", "latest").require(0).stdout


def test_tables_without_a_key_are_compared_by_whole_rows(home: Home) -> None:
    """Tables without a primary key, with changed columns, new or missing ones get a note; their rows are counted."""
    execute(
        home.database,
        "CREATE TABLE nokey (x)",
        "INSERT INTO nokey VALUES (1), (2), (2)",
        "CREATE VIRTUAL TABLE docs USING fts5(body)",
        "INSERT INTO docs VALUES ('first'), ('second')",
    )
    home.run("backup", "--no-drill").require(0)
    execute(
        home.database,
        "DELETE FROM nokey WHERE rowid > 1",
        "INSERT INTO nokey VALUES (3)",
        "DELETE FROM docs WHERE rowid = 1",
        "ALTER TABLE accounts ADD COLUMN extra",
        "DELETE FROM accounts WHERE id = 1",
        "DROP TABLE api_keys",
        "CREATE TABLE fresh (id INTEGER PRIMARY KEY)",
        "INSERT INTO fresh VALUES (7)",
    )
    found = _by_table(home, "latest")
    figures = {name: (table["added"], table["removed"], table["changed"]) for name, table in found.items()}
    assert figures["nokey"] == (1, 2, None)
    assert figures["docs"] == figures["accounts"] == (0, 1, None)
    assert "no primary key" in str(found["nokey"]["note"])
    assert "type is virtual" in str(found["docs"]["note"])
    assert "other columns" in str(found["accounts"]["note"])
    assert (found["api_keys"]["removed"], found["api_keys"]["note"]) == (1, "the table is gone")
    assert (found["fresh"]["added"], found["fresh"]["note"]) == (1, "the table is new")


def test_keys_that_are_not_valid_text_are_shown(home: Home) -> None:
    """Invalid UTF-8 in a key is shown escaped, and a very long key is cut."""
    execute(home.database, "CREATE TABLE raw (k TEXT PRIMARY KEY)")
    home.run("backup", "--no-drill").require(0)
    execute(home.database, "INSERT INTO raw VALUES (CAST(x'ff41' AS TEXT)), (hex(zeroblob(500)))")
    named = [
        row["key"] for row in home.run("diff", "latest", "--rows", "--json").require(0).document["tables"][0]["rows"]
    ]
    assert "'\\xffA'" in named
    assert max(map(len, named)) == 201


def test_an_archive_of_the_original_script_compares(new_home: Home, legacy_archive: Path) -> None:
    """An archive without a manifest beside it is compared by its database."""
    shutil.copy(legacy_archive, new_home.root)
    found = _by_table(new_home, f"./{legacy_archive.name}", "live")
    assert found["ledger"]["note"] == "the table is new"


@pytest.mark.parametrize(
    ("words", "code"),
    [("devops_hub_backup_20200101_000000", 10), ("nonsense", 2)],
    ids=["unknown", "nonsense"],
)
def test_what_does_not_exist_cannot_be_compared(home: Home, words: str, code: int) -> None:
    """An unknown id, and a word that does not name a backup, are refused."""
    home.run("diff", words).require(code)


@pytest.mark.xdist_group("aws")
def test_a_backup_in_a_bucket(cloud_home: Home) -> None:
    """A backup in a bucket is named by its id in the vault or by its URI."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    made = cloud_home.run("backup", "--to", vault, "--no-drill", "--json").require(0).document
    execute(cloud_home.database, "DELETE FROM ledger WHERE id > 490")
    assert _by_table(cloud_home, made["backup_id"], "--from", vault)["ledger"]["removed"] == 10
    assert _by_table(cloud_home, f"{vault}latest.tar.gz", "live")["ledger"]["removed"] == 10
