"""Back up an uploaded snapshot: downloaded, checked, and archived like any other source."""

from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from sqlitevault.backup.backup import BackupReport, Order, back_up
from sqlitevault.catalog.manifest import Scope
from sqlitevault.ground.facts import Tier
from sqlitevault.ground.scratch import scratch_directory
from sqlitevault.ground.steps import Steps
from sqlitevault.site import Site
from sqlitevault.vault.protocol import Vault


def ingest(site: Site, inbox: Vault, name: str, *, version: str | None, uploaded_at: datetime) -> BackupReport:
    """Back up the database that was uploaded to `inbox`, in this version, under its own name and upload time.

    Raises:
        BackupNotFound: the upload no longer exists.
        SourceCorrupt: it is damaged or not SQLite; nothing is committed.
        ScratchFull, VaultUnavailable: as for any backup.
    """
    base = PurePosixPath(name)
    with scratch_directory(site.settings.scratch) as scratch:
        copy = scratch / base.name
        with Steps().step("fetch upload") as on_bytes:
            inbox.download(name, copy, version=version, on_bytes=on_bytes)
        settings = site.settings.model_copy(update={"database_path": copy, "config_root": scratch})
        order = Order(
            scope=Scope.DATABASE,
            created_at=uploaded_at,
            folder=f"{Tier.MANUAL}/{base.stem}/",
            origin=inbox.location + name,
        )
        return back_up(replace(site, settings=settings), order)
