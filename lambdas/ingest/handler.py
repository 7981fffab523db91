"""A snapshot uploaded under inbox/ -> back it up like any other."""

from pathlib import PurePosixPath
from typing import Any

from sqlitevault.backup.ingest import IngestRequest, ingest
from sqlitevault.functions.events import StoredEvent
from sqlitevault.functions.telemetry import emit_backup, failures
from sqlitevault.functions.wiring import site_of
from sqlitevault.ground.facts import Metric
from sqlitevault.vault.opening import open_vault
from sqlitevault.watch.changes import LossLimits


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401
    """Back up one uploaded database; the same upload again finds its backup there and takes none."""
    site = site_of(context.function_name)
    with failures(Metric.BACKUP_FAILED, site.database_name):
        stored = StoredEvent.parse(event)
        if stored.is_folder:
            return {"ignored": stored.key}
        inbox = PurePosixPath(stored.key)
        request = IngestRequest(
            inbox=open_vault(f"s3://{stored.bucket}/{inbox.parent}/"),
            name=inbox.name,
            version=stored.version,
            uploaded_at=stored.time,
            host=site.host,
            scratch=site.settings.scratch,
            losses=LossLimits.of(site.settings),
        )
        report = ingest(request, site.vault)
    emit_backup(report)
    return report.to_dict()
