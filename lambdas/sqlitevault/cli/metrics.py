"""`sqlitevault metrics`."""

from pathlib import Path

import click

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json
from sqlitevault.cli.whole_file import write_whole
from sqlitevault.ground.facts import MONITOR_REPORT, RECORD_LIMIT
from sqlitevault.ground.settings import Settings
from sqlitevault.site import Site
from sqlitevault.vault.directory import DirectoryVault
from sqlitevault.vault.opening import open_vault
from sqlitevault.watch.changes import LossLimits
from sqlitevault.watch.exposition import exposition, metrics
from sqlitevault.watch.monitor import MonitorReport, monitor


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
        write_whole(textfile, exposition(found))
    if as_json:
        print_json({metric.name: metric.value for metric in found})
    elif textfile is None:
        click.echo(exposition(found), nl=False)


def _look(settings: Settings) -> MonitorReport:
    site = Site.of(settings)
    return monitor(
        site.vault,
        site.replica,
        database=settings.database_path.stem,
        rpo_seconds=settings.rpo_seconds,
        expected=site.expected_protection,
        now=site.now(),
        losses=LossLimits.of(settings),
        deployed=not isinstance(site.vault, DirectoryVault),
    )


def _last_report(settings: Settings) -> MonitorReport:
    return MonitorReport.from_json(open_vault(settings.vault).read(MONITOR_REPORT, limit=RECORD_LIMIT))
