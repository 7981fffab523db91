"""`sqlitevault readiness`."""

import click
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import DRILL, UNAVAILABLE, epilog, reporting_errors
from sqlitevault.cli.output import print_json, stdout
from sqlitevault.cli.readiness_output import show_readiness
from sqlitevault.ground.errors import ConfigError, NotReady
from sqlitevault.ground.settings import Settings
from sqlitevault.site import Site, utc_now
from sqlitevault.vault.opening import open_vault
from sqlitevault.watch import runbook_test
from sqlitevault.watch.overview import Overview
from sqlitevault.watch.page.readiness import readiness_markdown, readiness_page


@click.command(epilog=epilog(UNAVAILABLE, DRILL))
@options.from_vault
@click.option("--runbook-tested", metavar="NAME", help="Record that this runbook was walked through today, and end.")
@click.option("--markdown", is_flag=True, help="Print the checklist as Markdown.")
@click.option("--html", is_flag=True, help="Print the checklist as a page that needs no network.")
@options.as_json
@reporting_errors
def readiness(*, location: str | None, runbook_tested: str | None, markdown: bool, html: bool, as_json: bool) -> None:
    """Tell whether everything is there that a recovery would need: the checklist «before disaster strikes».

    Every line is computed from evidence, with its proof and how old it is; what is too old fails.

    \b
    backups on schedule          newest proven backup within RPO_SECONDS, no tier overdue
    off-site copy                newest one in REPLICA_URI within the RPO + 15 min
    alarms armed and delivering  each promise has one that is loud when it is broken, armed,
                                 with a confirmed subscription; the monitor's report is
                                 35 min old at most
    drill within 30 days         passed, recovery within RTO_SECONDS
    newest backup drilled        restored and compared, within the RPO + 15 min
    drill from the replica       passed within 31 days
    key metadata present         in the newest proven backup
    lock and retention as set    now, and when the monitor last compared
    runbook tested               within 90 days, see --runbook-tested
    """  # noqa: D301 - click wants the character itself: it keeps the lines of this paragraph
    if markdown + html + as_json > 1:
        raise ConfigError("--markdown, --html and --json exclude each other", hint="Give one of them, or none.")
    settings = options.settings(vault=location)
    if runbook_tested is not None:
        _record(runbook_tested, settings, as_json=as_json)
        return
    report = Overview(Site.of(settings)).readiness()
    if as_json:
        print_json(report.to_dict())
    elif markdown or html:
        click.echo(readiness_markdown(report) if markdown else readiness_page(report), nl=False)
    else:
        show_readiness(report)
    if not report.ready:
        raise NotReady(
            "; ".join(f"{line.name}: {line.proof}" for line in report.failed),
            hint="Mend each line named above, most of them with a backup, a drill, or `cdk deploy`; then run it again.",
        )


def _record(name: str, settings: Settings, *, as_json: bool) -> None:
    vault = open_vault(settings.vault)
    test = runbook_test.RunbookTest(name=name, tested_at=utc_now())
    written = runbook_test.record(test, vault)
    if as_json:
        print_json(test.to_dict())
    else:
        stdout().print(f"recorded [bold]{escape(written)}[/] in {escape(vault.location)}")
