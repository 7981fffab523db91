"""Output of the commands: results on stdout, everything else on stderr."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

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
            with Progress(*_columns(), console=stderr()) as bars:
                yield _Bars(bars)
        else:
            yield _Lines()

    def give(self, document: Any, show: Callable[[], None]) -> None:  # noqa: ANN401
        """Print the result: `document` as JSON for programs, or `show` it to people."""
        if self.as_json:
            self.print_json(document)
        elif not self._quiet:
            show()

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


def stdout() -> Console:
    """Return the console for results."""
    return _unbroken(_Screen(highlight=False))


def stderr() -> Console:
    """Return the console for progress, questions, notes and errors."""
    return _unbroken(_Screen(stderr=True, highlight=False))


def _unbroken(console: Console) -> Console:
    """Break no lines in a pipe or a file, which have no width."""
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console


def table(*headings: str, figures: Sequence[str] = (), title: str = "") -> Table:
    """Return a table without lines; the columns in `figures`, after those of `headings`, are aligned right."""
    made = Table(
        box=None, pad_edge=False, show_header=bool(headings), title=escape(title) or None, title_justify="left"
    )
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


def show_doubts(skipped: Iterable[str], repairs: Iterable[str]) -> None:
    """Print the backups that were passed over, and the copies of the chosen one that could not be used."""
    for passed_over in skipped:
        stdout().print(f"[yellow]passed over:[/] {escape(passed_over)}")
    for repair in repairs:
        stdout().print(f"[yellow]damaged:[/] {escape(repair)}")


def show_next(steps: Sequence[str]) -> None:
    """Print what the operator should do next."""
    stdout().print("[bold]Next:[/]")
    for number, step in enumerate(steps, 1):
        stdout().print(f"  {number}. {escape(step)}")


class _Lines(Watcher):
    """Progress as a line on stderr for each finished step."""

    def finished(self, step: str, seconds: float) -> None:
        """Print the step and its duration."""
        click.echo(f"{step}: {seconds:.2f} s", err=True)


class _Bars(Watcher):
    """Progress as a bar on stderr for each step."""

    def __init__(self, progress: Progress) -> None:
        """Add bars to `progress`; the finished ones stay on the screen."""
        self._progress = progress
        self._task: TaskID | None = None

    def started(self, step: str, total_bytes: int | None) -> None:
        """Add a bar; it pulses while the size is unknown."""
        self._task = self._progress.add_task(step, total=total_bytes)

    def advanced(self, count: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def finished(self, step: str, seconds: float) -> None:  # noqa: ARG002
        """Fill the bar."""
        if self._task is not None:
            done = self._progress.tasks[self._task].total or max(1, int(self._progress.tasks[self._task].completed))
            self._progress.update(self._task, total=done, completed=done)


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        DownloadColumn(),
        TimeElapsedColumn(),
    )
