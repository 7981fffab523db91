"""How results and progress look: results on stdout, everything else on stderr."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from sqlitevault.ground.steps import Unwatched, Watcher

_UNBROKEN = 10_000
# What a database says is shown, never obeyed: each control character but tab and line feed as a sign of its own.
_SIGNS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\t\n"}
_SIGNS |= {0x7F: "\u2421"} | dict.fromkeys(range(0x80, 0xA0), "\ufffd")
_PRINTED = f"{__name__}.printed"


class _Screen(Console):
    """A console whose texts cannot move the cursor, change colours or write into the clipboard."""

    def render_str(self, text: str, **options: Any) -> Text:  # noqa: ANN401
        """Read markup as ever, in a text without control characters."""
        return super().render_str(text.translate(_SIGNS), **options)


def stdout() -> Console:
    """The console for results."""
    return _unbroken(_Screen(highlight=False))


def stderr() -> Console:
    """The console for progress, questions and errors."""
    return _unbroken(_Screen(stderr=True, highlight=False))


def _unbroken(console: Console) -> Console:
    """Break no lines in a pipe or a file, which have no width."""
    if not console.is_terminal:
        console.width = _UNBROKEN
    return console


def print_json(document: Any) -> None:  # noqa: ANN401
    """Print one JSON document on stdout: the contract with programs. A second one in the same run is left out."""
    run = click.get_current_context().meta
    if not run.setdefault(_PRINTED, False):
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        run[_PRINTED] = True


@contextmanager
def progress(*, quiet: bool) -> Iterator[Watcher]:
    """Watch a verb: bars on a terminal, a line per finished step otherwise, nothing when `quiet`."""
    if quiet:
        yield Unwatched()
    elif stderr().is_terminal:
        with Bars() as bars:
            yield bars
    else:
        yield Lines()


class Lines:
    """A line on stderr for each finished step."""

    def started(self, step: str, total_bytes: int | None) -> None:
        """Wait for the end."""

    def advanced(self, count: int) -> None:
        """Wait for the end."""

    def finished(self, step: str, seconds: float) -> None:
        """Print the step and its duration."""
        click.echo(f"{step}: {seconds:.2f} s", err=True)


class Bars:
    """A bar for each step, while it runs."""

    def __init__(self) -> None:
        """Prepare; nothing is shown before the first step."""
        columns = (
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            DownloadColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=stderr())
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the finished bars on the screen."""
        self._progress.stop()

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
