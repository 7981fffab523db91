"""`sqlitevault readiness`."""

from collections.abc import Iterator

import click
from rich.console import RenderableType
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import DRILL, UNAVAILABLE
from sqlitevault.cli.output import Output, mark, table
from sqlitevault.ground.errors import ConfigError, NotReady
from sqlitevault.site import Site
from sqlitevault.watch.evidence import RunbookTest, Status, record_test
from sqlitevault.watch.readiness import ReadinessReport
from sqlitevault.watch.readiness import readiness as check


@options.command(UNAVAILABLE, DRILL)
@options.from_vault
@click.option("--runbook-tested", metavar="NAME", help="Record that this runbook was tested today, and exit.")
@click.option("--markdown", is_flag=True, help="Print the checklist as Markdown.")
@click.option("--html", is_flag=True, help="Print the checklist as a page that loads nothing from the network.")
def readiness(out: Output, *, location: str | None, runbook_tested: str | None, markdown: bool, html: bool) -> None:
    """Check that everything a recovery needs is in place.

    This is the checklist "before disaster strikes". Each line is computed from evidence in the vault and shown with its
    proof and age; evidence that is too old fails.

    \b
    backups on schedule          proven within RPO_SECONDS, no tier overdue
    off-site copy                in REPLICA_URI within the RPO + 15 min
    alarms armed and delivering  one per promise, also firing on missing data;
                                 subscription confirmed; monitor ran lately
    drill within 30 days         passed, recovery within RTO_SECONDS
    newest backup drilled        within the RPO + 15 min
    drill from the replica       passed within 31 days
    key metadata present         in the newest proven backup
    lock and retention as set    now, and at the last run of the monitor
    runbook tested               within 90 days, see --runbook-tested
    """  # noqa: D301 - click needs the backslash: it keeps the lines of this paragraph
    if markdown + html + out.as_json > 1:
        raise ConfigError("--markdown, --html and --json exclude each other", hint="Give one of them, or none.")
    site = options.site(vault=location)
    if runbook_tested is not None:
        _record(runbook_tested, site, out)
        return
    report = check(site)
    if html:
        from sqlitevault.watch.page.pages import readiness_page  # noqa: PLC0415 - slower to import than the checklist

        click.echo(readiness_page(report), nl=False)
    elif markdown:
        click.echo(report.to_markdown(), nl=False)
    else:
        out.give(report.to_dict(), _shown(report))
    if not report.ready:
        raise NotReady(
            "; ".join(f"{line.name}: {line.proof}" for line in report.failed),
            hint="Fix each line named above, usually with a backup, a drill, or `make deploy`; then run it again.",
        )


def _record(name: str, site: Site, out: Output) -> None:
    test = RunbookTest(name=name, tested_at=site.now())
    written = record_test(test, site.vault)
    out.give(test.to_dict(), [f"recorded [bold]{escape(written)}[/] in {escape(site.vault.location)}"])


def _shown(report: ReadinessReport) -> Iterator[RenderableType]:
    shown = table("", "check", "proof", "age")
    for line in report.lines:
        applies = line.status is not Status.NOT_APPLICABLE
        shown.add_row(
            mark(line.status is Status.OK) if applies else "[dim]-[/]", line.name, escape(line.proof), line.age
        )
    yield shown
    yield "[bold green]ready[/]" if report.ready else f"[bold red]NOT READY[/]: {len(report.failed)} failed"
