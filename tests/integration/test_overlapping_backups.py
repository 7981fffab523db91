"""Two overlapping runs for the same time make one backup that restores."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from sqlitevault.backup.backup import BackupReport, Order, back_up
from sqlitevault.catalog.manifest import Scope
from sqlitevault.catalog.selection import Choice, select
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.steps import Watcher
from sqlitevault.proof.drill import drill
from sqlitevault.vault.opening import open_vault
from tests.databases import execute
from tests.function_calls import VAULT, Home
from tests.sites import make_site


class OtherRun(Watcher):
    """Another whole run for the same time, at the moment when this run begins a step."""

    def __init__(self, step: str, run: Callable[[], BackupReport]) -> None:
        """Wait for the step."""
        self._step, self._run = step, run
        self.report: BackupReport | None = None

    def started(self, step: str, _total_bytes: int | None) -> None:
        """Run the other one, once."""
        if step == self._step and self.report is None:
            self.report = self._run()


@pytest.mark.parametrize("step", ["snapshot", "compress", "upload", "commit"])
@pytest.mark.parametrize("kind", ["s3", "directory"])
def test_two_runs_for_one_time_leave_one_backup_that_restores(functions_home: Home, kind: str, step: str) -> None:
    """At any overlap, only one run creates the backup, and its manifest and archive match."""
    vault = open_vault(f"s3://{VAULT}/backups/" if kind == "s3" else str(functions_home.root.parent / "vault"))
    site = make_site(functions_home.database, vault)
    order = Order(Scope.DATABASE, Tier.HOURLY, datetime(2026, 1, 31, 2, 5, tzinfo=UTC))

    def other() -> BackupReport:
        execute(functions_home.database, "DELETE FROM ledger WHERE id > 400")
        return back_up(site, order)

    watcher = OtherRun(step, other)
    late = back_up(site, order, watcher)
    assert watcher.report is not None
    assert (watcher.report.created, late.created) == (True, False)
    proven = drill(site, select(vault, Choice()))
    assert proven.failures == ()
    assert late.manifest == select(vault, Choice()).manifest
