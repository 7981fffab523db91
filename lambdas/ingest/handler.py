"""Backs up a snapshot that was uploaded under inbox/."""

from pathlib import PurePosixPath
from typing import Any

from sqlitevault.backup.backup import ingest
from sqlitevault.functions.events import StoredEvent
from sqlitevault.functions.telemetry import emit_backup, failures, log_report, logged
from sqlitevault.ground.facts import Metric
from sqlitevault.site import site_of


@logged
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Back up one uploaded database; a second event for the same upload finds its backup and takes none."""
    site = site_of(context.function_name)
    with failures(Metric.BACKUP_FAILED, site.database_name):
        stored = StoredEvent.parse(event)
        if stored.key.endswith("/"):  # the empty object that the console makes for a new folder
            return {"ignored": stored.key}
        key = PurePosixPath(stored.key)
        inbox = site.opener(f"s3://{stored.bucket}/{key.parent}/")
        report = ingest(site, inbox, key.name, version=stored.version, uploaded_at=stored.time)
    emit_backup(report)
    return log_report(report)
