"""The `sqlitevault` command: one module per verb; errors become exit codes here and nowhere else."""

import click

from sqlitevault import __version__
from sqlitevault.cli.audit import audit
from sqlitevault.cli.backup import backup
from sqlitevault.cli.diff import diff
from sqlitevault.cli.doctor import doctor
from sqlitevault.cli.drill import drill
from sqlitevault.cli.keys import keys
from sqlitevault.cli.list import list_backups
from sqlitevault.cli.metrics import show_metrics
from sqlitevault.cli.readiness import readiness
from sqlitevault.cli.report import report
from sqlitevault.cli.restore import restore
from sqlitevault.cli.verify import verify

_VERBS = (backup, list_backups, verify, restore, drill, diff, keys, audit, readiness, show_metrics, report, doctor)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sqlitevault")
def main() -> None:
    """Back up a live SQLite database, prove that the backup restores, and restore it.

    \b
    Settings come from the environment: DATABASE_PATH (./data/devops_hub.db),
    CONFIG_ROOT (.), BACKUP_DIR (./backups, or s3://bucket/prefix/),
    BACKUP_RETAIN (30 days), SCRATCH_DIR, MAX_WRITER_STALL_SECONDS (4),
    REPLICA_URI, RPO_SECONDS (3600), RTO_SECONDS (900), HEARTBEAT_URL.
    """  # noqa: D301 - click wants the character itself: it keeps the lines of this paragraph


for verb in _VERBS:
    main.add_command(verb)
