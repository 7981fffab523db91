"""`sqlitevault restore`: choice of the backup, consent, changes and undo."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.home import Home, next_second, tree
from tests.databases import execute, holding_the_lock, require_bank


def kept(home: Home) -> list[Path]:
    """Return the databases that restores kept aside, oldest first."""
    return sorted(home.database.parent.glob("devops_hub.db.pre_restore_*"))


@pytest.mark.parametrize(
    "options",
    [
        ("--latest",),
        ("--latest", "--json"),
        ("--latest", "--db-only"),
        ("--latest", "--config-only"),
        ("--latest", "--force"),
    ],
    ids=["all", "json", "db-only", "config-only", "force"],
)
def test_a_dry_run_changes_nothing(home: Home, options: tuple[str, ...]) -> None:
    """A dry run shows only what the options select, and leaves every file as it is."""
    (home.root / "docker-compose.yml").write_text("services: {}\n")
    before = tree(home.root)
    done = home.run("restore", "--dry-run", *options).require(0)
    assert home.ids[1] in done.stdout
    assert ("ledger" in done.stdout) == ("--config-only" not in options)
    assert ("docker-compose.yml" in done.stdout) == ("--db-only" not in options)
    assert tree(home.root) == before
    assert list(home.scratch.iterdir()) == []


def test_a_dry_run_shows_what_would_change(home: Home) -> None:
    """A dry run shows rows before and after, the time that will be lost, and changes in files; also as JSON."""
    (home.root / "docker-compose.yml").write_text("services: {}\n")
    shown = home.run("restore", "--latest", "--dry-run").require(0).stdout
    assert "(the newest good backup) from backups" in shown
    assert re.search(r"data written in the last 1 h \d+ min will be lost", shown)
    assert ["ledger", "300", "400", "+100"] in [line.split() for line in shown.splitlines()]
    assert ["accounts", "50", "50", "same"] in [line.split() for line in shown.splitlines()]
    assert "replace   docker-compose.yml" in shown
    assert "-services: {}" in shown
    planned = home.run("restore", "--latest", "--dry-run", "--json").require(0).document
    assert planned["target_exists"]
    assert planned["enough_room"]


def test_a_restore_brings_database_and_configuration_back(home: Home) -> None:
    """The previous database and each replaced file are kept; `.env` is never written."""
    (home.root / "docker-compose.yml").write_text("services: {}\n")
    (home.root / ".env").write_text("PORT=1\n")
    done = home.run("restore", "--latest", "--yes").require(0)
    assert require_bank(home.database) == 400
    assert [require_bank(path) for path in kept(home)] == [300]
    assert "image: devops-hub:1" in (home.root / "docker-compose.yml").read_text()
    assert [path.read_text() for path in home.root.glob("docker-compose.yml.pre_restore_*")] == ["services: {}\n"]
    assert (home.root / ".env").read_text() == "PORT=1\n"
    assert "Set in .env, which is never restored: API_TOKEN." in done.stdout
    assert not list(home.database.parent.glob("*.staged_*"))
    assert list(home.scratch.iterdir()) == []


@pytest.mark.parametrize("option", ["--db-only", "--config-only"])
def test_only_one_half(home: Home, option: str) -> None:
    """`--db-only` leaves the configuration as it is, `--config-only` the database."""
    compose = home.root / "docker-compose.yml"
    compose.write_text("services: {}\n")
    home.run("restore", "--latest", "--yes", option).require(0)
    assert require_bank(home.database) == (400 if option == "--db-only" else 300)
    assert (compose.read_text() == "services: {}\n") == (option == "--db-only")


@pytest.mark.parametrize("naming", ["id", "path", "bare name"])
def test_a_backup_is_named(home: Home, naming: str) -> None:
    """By its id, by the path of its archive, or by the archive's name in this folder."""
    oldest = home.ids[0]
    (home.root / f"{oldest}.tar.gz").hardlink_to(home.archive(oldest))
    words = {"id": oldest, "path": str(home.archive(oldest)), "bare name": f"{oldest}.tar.gz"}[naming]
    home.run("restore", words, "--yes").require(0)
    assert require_bank(home.database) == 500


def test_at_takes_the_newest_before_that_time(home: Home) -> None:
    """`--at` takes times with or without a zone; before the first backup it reports that there is none."""
    two_hours_ago = datetime.now(UTC) - timedelta(hours=2)
    for text in (f"{two_hours_ago:%Y-%m-%dT%H:%M:%SZ}", f"{two_hours_ago:%Y-%m-%d %H:%M}"):
        planned = home.run("restore", "--at", text, "--dry-run", "--json").require(0).document
        assert planned["backup_id"] == home.ids[0]
    home.run("restore", "--at", "2020-01-01", "--dry-run").require(10, "no good backup not after 2020-01-01T00:00:00Z")


def test_an_unreadable_newer_backup_is_reported(home: Home) -> None:
    """Backups that `--latest` skips as unreadable are named before anything is replaced."""
    home.manifest(home.ids[1]).write_text("{}")
    shown = home.run("restore", "--latest", "--dry-run").require(0).stdout
    assert f"{home.ids[0]} (the newest good backup)" in shown
    assert f"passed over: {home.ids[1]}.tar.gz.manifest.json: the manifest is not valid" in shown


def test_another_target(home: Home) -> None:
    """`--target` restores the database there, creates the folder, asks nothing, and changes nothing else."""
    before = tree(home.root)
    home.run("restore", "--latest", "--target", "new/place/copy.db").require(0)
    assert require_bank(home.root / "new" / "place" / "copy.db") == 400
    assert before.items() <= tree(home.root).items()
    assert len(tree(home.root)) == len(before) + 3


@pytest.mark.parametrize("arguments", [("--latest",), ("--undo",)], ids=["restore", "undo"])
@pytest.mark.parametrize("terminal", [True, False], ids=["answered n", "no terminal"])
def test_without_consent_nothing_changes(home: Home, arguments: tuple[str, ...], terminal: bool) -> None:
    """On a terminal a restore asks, and `n` cancels; without a terminal it refuses and names `--yes`."""
    home.database.with_name("devops_hub.db.pre_restore_20260101_000000").write_bytes(home.database.read_bytes())
    before = tree(home.root)
    run = home.run_on_terminal("restore", *arguments, answer="n") if terminal else home.run("restore", *arguments)
    run.require(11, "this would replace data/devops_hub.db", "Give --yes to ")
    assert ("[y/N]" in run.stderr) == terminal
    assert tree(home.root) == before


def test_with_consent_on_the_terminal(home: Home) -> None:
    """On a terminal, `y` restores; the question does not go to stdout."""
    done = home.run_on_terminal("restore", "--latest", answer="y").require(
        0, "Replace them (the present ones are kept)?"
    )
    assert "Replace them" not in done.stdout
    assert require_bank(home.database) == 400


def test_nothing_is_asked_when_nothing_is_replaced(home: Home) -> None:
    """A lost database comes back without `--yes`."""
    home.database.unlink()
    home.run("restore", "--latest").require(0)
    assert require_bank(home.database) == 400
    assert kept(home) == []


def test_undo_puts_back_what_was_replaced(home: Home) -> None:
    """`--undo` can itself be undone: no state is ever lost."""
    home.run("restore", "--latest", "--yes").require(0)
    report = home.run("restore", "--undo", "--yes", "--json").require(0).document
    assert require_bank(home.database) == 300
    assert Path(report["restored"]).name == kept(home)[0].name
    home.run("restore", "--undo", "--yes").require(0)
    assert require_bank(home.database) == 400


def test_force_restores_although_the_database_is_open(home: Home) -> None:
    """Without `--force`, a restore over an open database is refused, names the process, and leaves nothing behind."""
    execute(home.database, "PRAGMA journal_mode = wal")
    with holding_the_lock(home.database) as app:
        before = tree(home.root)
        open_by = f"process {app.pid} ("
        patience = {"SNAPSHOT_TIMEOUT_SECONDS": "0.2"}
        home.run("restore", "--latest", "--yes", **patience).require(
            11, "TargetInUse: data/devops_hub.db is open", open_by
        )
        assert tree(home.root) == before
        home.run("restore", "--latest", "--force", **patience).require(0)
    assert require_bank(home.database) == 400


@pytest.mark.xdist_group("aws")
def test_from_a_bucket(cloud_home: Home) -> None:
    """`--from-s3` takes the URI of an archive, or `latest.tar.gz` for the newest under the prefix."""
    vault = f"s3://{cloud_home.settings['BUCKET']}/backups/"
    first = cloud_home.run("backup", "--to", vault, "--no-drill", "--json").require(0).document
    execute(cloud_home.database, "DELETE FROM ledger WHERE id > 200")
    next_second()
    second = cloud_home.run("backup", "--to", vault, "--no-drill", "--json").require(0).document
    cloud_home.database.unlink()
    before = tree(cloud_home.root)
    planned = cloud_home.run("restore", "--from-s3", f"{vault}latest.tar.gz", "--dry-run", "--json").require(0).document
    assert planned["backup_id"] == second["backup_id"]
    assert tree(cloud_home.root) == before
    cloud_home.run("restore", "--from-s3", f"{vault}{first['archive']}").require(0)
    assert require_bank(cloud_home.database) == 500
    cloud_home.run("restore", "--latest", "--from", vault, "--yes").require(0)
    assert require_bank(cloud_home.database) == 200


@pytest.mark.parametrize(
    "verb",
    [
        ("restore", "--latest", "--yes"),
        ("list",),
        ("verify", "--all"),
        ("diff", "latest"),
        ("keys", "list"),
        ("keys", "revoke", "--all"),
        ("doctor",),
    ],
    ids=lambda verb: "-".join(word for word in verb if word[0] != "-"),
)
def test_wrong_settings_of_backups_do_not_stop_a_restore(home: Home, verb: tuple[str, ...]) -> None:
    """A wrong heartbeat, own check or target is only a note in a restore; a backup is refused."""
    wrong = {"HEARTBEAT_URL": "nowhere", "DRILL_SQL": "SELECT 1", "RPO_SECONDS": "soon", "MASS_DELETION_ROWS": "many"}
    home.run(*verb, **wrong).require(0, "note: DRILL_SQL is wrong", "note: HEARTBEAT_URL", "note: RPO_SECONDS")
    home.run("backup", **wrong).require(2, "HEARTBEAT_URL", "DRILL_SQL", "RPO_SECONDS")
    home.run("restore", "--latest", "--yes", "--backup-after", **wrong).require(2, "HEARTBEAT_URL")


def test_a_wrong_setting_that_a_restore_needs_stops_it(home: Home) -> None:
    """A wrong setting that the restore itself uses is refused."""
    home.run("restore", "--latest", "--yes", SNAPSHOT_TIMEOUT_SECONDS="soon").require(2, "SNAPSHOT_TIMEOUT_SECONDS")
