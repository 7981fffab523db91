"""The demo's claims, each with its evidence."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Claim:
    """A promise, its evidence, and whether it held."""

    promise: str
    seen: str
    holds: bool


class Claims:
    """Collects claims and prints them as a table."""

    def __init__(self) -> None:
        """Start without claims."""
        self._made: list[Claim] = []

    def add(self, promise: str, seen: str, *, holds: bool) -> None:
        """Make a claim."""
        self._made.append(Claim(promise, seen, holds))

    @property
    def broken(self) -> tuple[Claim, ...]:
        """The claims that did not hold."""
        return tuple(claim for claim in self._made if not claim.holds)

    def show(self, console: Console, figures: Mapping[str, str]) -> None:
        """Print figures, then all claims."""
        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for name, value in figures.items():
            table.add_row("", name, value)
        table.add_section()
        for claim in self._made:
            mark = "[green]✓[/]" if claim.holds else "[bold red]✗[/]"
            table.add_row(mark, escape(claim.promise), escape(claim.seen))
        console.print(table)
