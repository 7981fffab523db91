"""Asking before anything is replaced."""

import sys
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Consent:
    """What the user agreed to on the command line; `as_json` means that a program runs the command."""

    yes: bool
    force: bool
    as_json: bool

    def agreed(self, question: str) -> bool:
        """Tell whether the user agrees: by an option, or asked on the terminal. Nobody to ask means no."""
        if self.yes:
            return True
        can_ask = not self.as_json and sys.stdin.isatty()
        return can_ask and click.confirm(question, err=True)
