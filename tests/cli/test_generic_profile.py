"""The main path under APPLICATION_PROFILE=generic, for an unknown application."""

import tarfile
from dataclasses import replace

import pytest

from tests.cli.home import Home
from tests.databases import execute, require_bank


@pytest.fixture
def generic(new_home: Home) -> Home:
    """A folder with files of DevOps Hub, which this profile does not know, and a compose file under its new name."""
    (new_home.root / "alembic.ini").write_text("[alembic]\n")
    (new_home.root / "compose.yaml").write_text("services:\n  app:\n    image: app:1\n")
    return replace(new_home, settings={"APPLICATION_PROFILE": "generic"})


def test_from_backup_to_undo(generic: Home) -> None:
    """Backup, list, verify, drill, restore and undo work; the advice names no page of another application."""
    generic.run("backup").require(0)
    (made,) = generic.ids
    with tarfile.open(generic.archive(made)) as archive:
        held = {name.removeprefix(f"{made}/") for name in archive.getnames()}
    configuration = {"config/compose.yaml", "config/docker-compose.yml", "config/env_structure.txt"}
    assert {name for name in held if name.startswith("config/")} == configuration
    assert "api_keys_metadata.csv" not in held
    (listed,) = generic.run("list", "--json").require(0).document
    assert (listed["backup_id"], listed["proven"]) == (made, True)
    generic.run("verify", made).require(0)
    generic.run("drill").require(0)
    execute(generic.database, "DELETE FROM ledger WHERE id > 100")
    (generic.root / "compose.yaml").write_text("changed: true\n")
    restored = generic.run("restore", "--latest", "--yes").require(0)
    assert "Start the application and check that it works." in restored.stdout
    assert not any(word in restored.stdout for word in ("/health", "/agents", "API key"))
    assert require_bank(generic.database) == 500
    assert "services" in (generic.root / "compose.yaml").read_text()
    generic.run("restore", "--undo", "--yes").require(0)
    assert require_bank(generic.database) == 100


def test_a_merge_of_one_table(generic: Home) -> None:
    """The advice after a merge is neutral, too."""
    generic.run("backup").require(0)
    execute(generic.database, "DELETE FROM ledger WHERE id > 100")
    merged = generic.run("restore", "--latest", "--table", "ledger", "--merge", "--yes").require(0)
    assert "Check that it works." in merged.stdout


@pytest.mark.parametrize("arguments", [("keys", "list"), ("keys", "revoke", "--all"), ("audit",)])
def test_tables_that_the_profile_does_not_name(generic: Home, arguments: tuple[str, ...]) -> None:
    """`keys` and `audit` end with code 2, and name the profile and the setting; no backup is taken."""
    generic.run(*arguments).require(2, "the application profile generic names no table of ", "APPLICATION_PROFILE")
    assert generic.ids == ()


def test_readiness_does_not_ask_for_keys(generic: Home) -> None:
    """The line on keys does not apply, and says why."""
    generic.run("backup").require(0)
    lines = {line["name"]: line for line in generic.run("readiness", "--json").require(14).document["lines"]}
    assert lines["key metadata present"]["status"] == "not applicable"
    assert "generic" in lines["key metadata present"]["proof"]


def test_a_profile_that_does_not_exist(new_home: Home) -> None:
    """An unknown profile ends with code 2 and a list of the known ones."""
    new_home.run("backup", APPLICATION_PROFILE="devopshub").require(2, "'devopshub'", "devops_hub, generic")


def test_without_any_configuration(generic: Home) -> None:
    """The hint names the files that the profile looks for."""
    for name in (".env", "compose.yaml", "docker-compose.yml"):
        (generic.root / name).unlink()
    generic.run("backup", "--config-only").require(10, "there is no configuration", "compose*.yaml")
