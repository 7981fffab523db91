"""`sqlitevault metrics`."""

import secrets
from pathlib import Path

import click

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json
from sqlitevault.directory_vault import DirectoryVault
from sqlitevault.errors import TargetUnwritable
from sqlitevault.services.catalog import MANIFEST_LIMIT
from sqlitevault.services.exposition import exposition, metrics
from sqlitevault.services.monitor import REPORT_NAME, MonitorReport, monitor
from sqlitevault.settings import Settings
from sqlitevault.vault_location import open_vault
from sqlitevault.wiring import Wiring, now

# The collector usually runs as another user.
_MODE = 0o644


@click.command("metrics", epilog=epilog(NOT_FOUND, INTEGRITY, UNAVAILABLE, NO_ROOM))
@options.from_vault
@click.option(
    "--textfile", type=click.Path(path_type=Path), metavar="PATH", help="Write to this .prom file, whole or not at all."
)
@click.option("--from-monitor", is_flag=True, help="Take the figures of the deployed monitor's last report.")
@click.option(
    "--backup-exit-code",
    default="0",
    metavar="CODE",
    help="How the backup just before ended: anything but 0 makes last_backup_success 0.",
)
@options.as_json
@reporting_errors
def show_metrics(
    *, location: str | None, textfile: Path | None, from_monitor: bool, backup_exit_code: str, as_json: bool
) -> None:
    """Print the vault's figures for Prometheus, or write them for node_exporter's textfile collector.

    devops_hub_last_backup_timestamp, devops_hub_last_backup_success and more, each with its meaning; the database's
    name comes first. docs/monitoring/prometheus-rules.yml has the alerts.
    """
    settings = options.settings(vault=location)
    report = _last_report(settings) if from_monitor else _look(settings)
    found = metrics(report, rto_seconds=settings.rto_seconds, last_run_failed=backup_exit_code != "0")
    if textfile is not None:
        _write(textfile, exposition(found))
    if as_json:
        print_json({metric.name: metric.value for metric in found})
    elif textfile is None:
        click.echo(exposition(found), nl=False)


def _look(settings: Settings) -> MonitorReport:
    vault = open_vault(settings.vault)
    wired = Wiring(settings, vault, open_vault(settings.replica) if settings.replica else None)
    return monitor(
        wired.vault,
        wired.replica,
        database=settings.database_path.stem,
        rpo_seconds=settings.rpo_seconds,
        expected=wired.expected_protection,
        now=now(),
        deployed=not isinstance(vault, DirectoryVault),
    )


def _last_report(settings: Settings) -> MonitorReport:
    return MonitorReport.from_json(open_vault(settings.vault).read(REPORT_NAME, limit=MANIFEST_LIMIT))


def _write(target: Path, text: str) -> None:
    """Write beside the target and rename: the collector must never read half a file, nor one that ends in .prom."""
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.chmod(_MODE)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TargetUnwritable(
            f"{target} cannot be written: {error.strerror}",
            hint="Make the collector's folder, and let this user write there.",
        ) from error
