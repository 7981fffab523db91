"""Output of the demo: one line per step, animated on a terminal, plain otherwise."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

_NAME_WIDTH = 30


class Step:
    """A running step: `update` shows its progress, `detail` is the text of its finished line."""

    def __init__(self, name: str, status: Status) -> None:
        """Show `name`."""
        self._name, self._status = name, status
        self.detail = ""
        self.seconds = 0.0

    def update(self, text: str) -> None:
        """Show the current action."""
        self._status.update(f"{self._name}  [dim]{escape(text)}[/]")


class Narrator:
    """Prints chapters and steps, and records the time of each step."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self.console = console
        self.seconds: dict[str, float] = {}

    def chapter(self, title: str) -> None:
        """Print the title of the next steps."""
        self.console.print(f"\n[bold]{title}[/]")

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time the body; print its line when it ends, and a line with a cross if it fails."""
        began = time.monotonic()
        with self.console.status(name) as status:
            step = Step(name, status)
            try:
                yield step
            except BaseException:
                self.console.print(f"[bold red]✗[/] {name}")
                raise
        step.seconds = self.seconds[name] = time.monotonic() - began
        line = f"[green]✓[/] {name:<{_NAME_WIDTH}} {step.seconds:6.1f} s   [dim]{escape(step.detail)}[/]"
        self.console.print(line.rstrip(), soft_wrap=True)

    def say(self, text: str) -> None:
        """Print one line below a step."""
        self.console.print(f"  [dim]{escape(text)}[/]", soft_wrap=True)
