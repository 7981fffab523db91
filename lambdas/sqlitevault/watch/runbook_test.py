"""Records of tested runbooks: the only evidence that people enter by hand."""

from typing import ClassVar

from sqlitevault.catalog.catalog import read_again
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.facts import RUNBOOK_TESTS
from sqlitevault.ground.report import Moment, Report
from sqlitevault.vault.protocol import Vault

# The pages of docs/runbooks.
RUNBOOKS = (
    *("accidental-deletion", "breach", "cluster-lost", "corruption", "drill-failed", "function-errors", "no-backup"),
    *("ransomware", "recovery-slow", "region-lost", "replica-behind", "server-lost"),
)


class RunbookTest(Report):
    """When a runbook was last tested; `name` is its file name without the ending."""

    title: ClassVar[str] = "a runbook record in the vault"
    if_invalid: ClassVar[str] = "Write it again: `sqlitevault readiness --runbook-tested NAME`."
    name: str
    tested_at: Moment


def record(test: RunbookTest, vault: Vault) -> str:
    """Write the record to the vault; return its name there.

    Raises:
        ConfigError: there is no such runbook.
        VaultUnavailable: it could not be written.
    """
    if test.name not in RUNBOOKS:
        raise ConfigError(f"there is no runbook {test.name!r}", hint=f"There are: {', '.join(RUNBOOKS)}.")
    name = f"{RUNBOOK_TESTS}{test.name}.json"
    vault.replace(name, test.to_json())
    return name


def newest(vault: Vault) -> RunbookTest | None:
    """Return the newest record in the vault.

    Raises:
        ManifestInvalid: one of them cannot be read.
        VaultUnavailable: the vault cannot be read.
    """
    entries = (entry for entry in vault.objects(RUNBOOK_TESTS) if entry.name.endswith(".json"))
    found = [read_again(vault, entry, RunbookTest.from_json) for entry in entries]
    return max(found, key=lambda test: test.tested_at, default=None)
