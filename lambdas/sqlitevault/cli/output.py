"""Output of the commands: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from sqlitevault.catalog.drill_report import Check
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.steps import Watcher

_UNBROKEN = 10_000
# Text from a database is shown but never acts on the terminal: control characters, except tab and line feed, become
# visible symbols.
_SYMBOLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
_SYMBOLS |= {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0), "\ufffd")


class Output:
    """The output of one command, for people or, with `--json`, for programs."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        """Print results as one JSON document if `as_json`; print no results and no progress if `quiet`."""
        self.as_json = as_json
        self._quiet = quiet
        self._has_document = False

    @contextmanager
    def progress(self) -> Iterator[Watcher]:
        """Show steps on stderr: bars on a terminal, otherwise a line per finished step."""
        if self.as_json or self._quiet:
            yield Watcher()
        elif stderr().is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), DownloadColumn(), TimeElapsedColumn())
            with Progress(SpinnerColumn(finished_text="[green]✓"), *columns, console=stderr()) as bars:
                yield _Bars(bars)
        else:
            yield _Lines()

    def give(self, document: Any, shown: Iterable[RenderableType], *, empty: str = "") -> None:  # noqa: ANN401
        """Print the result: `document` as JSON for programs, or the lines and tables in `shown` for people.

        `empty` goes to stderr for people, when there is no result to show.
        """
        if self.as_json:
            self.print_json(document)
        elif empty:
            stderr().print(escape(empty))
        else:
            self.show(shown)

    def show(self, shown: Iterable[RenderableType]) -> None:
        """Print lines and tables for people on stdout; nothing for programs or if quiet."""
        if not (self.as_json or self._quiet):
            console = _console(to_stderr=False)
            for each in shown:
                console.print(each)

    def note(self, text: str) -> None:
        """Print a note for people on stderr, also if quiet."""
        if not self.as_json:
            stderr().print(f"[yellow]note:[/] {escape(text)}")

    def confirm(self, question: str) -> bool:
        """Ask on the terminal. Without a terminal, and with `--json`, the answer is no."""
        return not self.as_json and sys.stdin.isatty() and click.confirm(question, err=True)

    def error(self, error: SqliteVaultError) -> None:
        """Print the error and its hint on stderr and, unless a result was printed before it, as JSON."""
        if self.as_json:
            self.print_json({"error": {"code": error.code, "message": str(error), "hint": error.hint}})
        stderr().print(f"[bold red]{error.code}:[/] {escape(str(error))}", soft_wrap=True)
        stderr().print(f"[bold]What to do:[/] {escape(error.hint)}", soft_wrap=True)

    def print_json(self, document: Any) -> None:  # noqa: ANN401
        """Print a JSON document, the contract with programs; a command prints only its first one."""
        if not self._has_document:
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
            self._has_document = True


class _Screen(Console):
    """A console whose texts cannot move the cursor, change colours or write to the clipboard."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        """Render markup, with control characters replaced by symbols."""
        return super().render_str(text.translate(_SYMBOLS), **options)


def stderr() -> Console:
    """Return the console for progress, questions, notes and errors."""
    return _console(to_stderr=True)


def _console(*, to_stderr: bool) -> Console:
    console = _Screen(stderr=to_stderr, highlight=False)
    if not console.is_terminal:
        console.width = _UNBROKEN  # a pipe or a file has no width: break no lines
    return console


def table(*headings: str, figures: Sequence[str] = (), title: str = "") -> Table:
    """Return a table without lines; the columns in `figures`, after those of `headings`, are aligned right."""
    shown_title = escape(title) or None
    made = Table(box=None, pad_edge=False, show_header=bool(headings), title=shown_title, title_justify="left")
    for heading in headings:
        made.add_column(heading, overflow="fold")
    for heading in figures:
        made.add_column(heading, justify="right")
    return made


def count(rows: int | None) -> str:
    """Return a number of rows; `-` if it is unknown."""
    return "-" if rows is None else f"{rows:,}"


def mark(passed: bool) -> str:
    """Return a tick or a cross."""
    return "[green]✓[/]" if passed else "[bold red]✗[/]"


def doubts(skipped: Iterable[str], repairs: Iterable[str]) -> Iterator[str]:
    """Yield a line for each backup that was passed over, and each copy of the chosen one that could not be used."""
    yield from (f"[yellow]passed over:[/] {escape(passed_over)}" for passed_over in skipped)
    yield from (f"[yellow]damaged:[/] {escape(repair)}" for repair in repairs)


def proofs(checks: Iterable[Check]) -> Iterator[str]:
    """Yield a line for each check."""
    yield from (f"{mark(check.passed)} {check.name}: {escape(check.detail)}" for check in checks)


def next_steps(steps: Iterable[str]) -> Iterator[str]:
    """Yield what the operator should do next."""
    yield "[bold]Next:[/]"
    yield from (f"  {number}. {escape(step)}" for number, step in enumerate(steps, 1))


class _Lines(Watcher):
    """Progress as a line on stderr for each finished step."""

    def finished(self, step: str, seconds: float) -> None:
        click.echo(f"{step}: {seconds:.2f} s", err=True)


class _Bars(Watcher):
    """Progress as a bar on stderr for each step."""

    def __init__(self, progress: Progress) -> None:
        """Add bars to `progress`; the finished ones stay on the screen."""
        self._progress = progress

    def started(self, step: str, total_bytes: int | None) -> None:
        """Add a bar; it pulses while the size is unknown."""
        self._progress.add_task(step, total=total_bytes)

    def advanced(self, count: int) -> None:
        self._progress.advance(self._progress.task_ids[-1], count)

    def finished(self, step: str, seconds: float) -> None:  # noqa: ARG002
        bar = self._progress.tasks[-1]
        done = bar.total or max(1, int(bar.completed))
        self._progress.update(bar.id, total=done, completed=done)
