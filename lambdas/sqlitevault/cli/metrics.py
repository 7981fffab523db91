"""`sqlitevault metrics`."""

from pathlib import Path

import click

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import INTEGRITY, NO_ROOM, NOT_FOUND, UNAVAILABLE
from sqlitevault.cli.output import Output
from sqlitevault.ground.facts import MONITOR_REPORT, RECORD_LIMIT
from sqlitevault.ground.files import write_whole
from sqlitevault.watch.exposition import exposition, metrics
from sqlitevault.watch.monitor import MonitorReport, monitor


@options.command(NOT_FOUND, INTEGRITY, UNAVAILABLE, NO_ROOM, name="metrics")
@options.from_vault
@click.option("--textfile", type=click.Path(path_type=Path), help="Write to this .prom file, atomically.")
@click.option("--from-monitor", is_flag=True, help="Use the last report of the deployed monitor.")
@click.option(
    "--backup-exit-code",
    default="0",
    metavar="CODE",
    help="Exit code of the backup just before: last_backup_success is 0 unless CODE is 0.",
)
def show_metrics(
    out: Output, *, location: str | None, textfile: Path | None, from_monitor: bool, backup_exit_code: str
) -> None:
    """Print the vault's figures for Prometheus.

    With --textfile they go to a file for node_exporter's textfile collector. The figures are
    <database>_last_backup_timestamp, <database>_last_backup_success and more, each with its meaning.
    docs/monitoring/prometheus-rules.yml has the alerts.
    """
    site = options.site(vault=location)
    recorded = site.vault.read(MONITOR_REPORT, limit=RECORD_LIMIT) if from_monitor else None
    report = MonitorReport.from_json(recorded) if recorded is not None else monitor(site)
    found = metrics(report, rto_seconds=site.settings.rto_seconds, last_run_failed=backup_exit_code != "0")
    text = exposition(found)
    if textfile is not None:
        write_whole(textfile, text)
    if out.as_json:
        out.print_json({metric.name: metric.value for metric in found})
    elif textfile is None:
        click.echo(text, nl=False)
