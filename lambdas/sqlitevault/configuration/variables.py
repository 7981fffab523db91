"""The variables of `.env` files. Their values are read only to keep them out of all other files."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from sqlitevault.configuration.text_redaction import Unusable

ENVIRONMENT = ".env"
ENV_STRUCTURE = "env_structure.txt"
_NAME = r"(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)"
_ASSIGNMENT = re.compile(rf"[ \t]*{_NAME}[ \t]*=[ \t]*", re.ASCII)
_LISTED = re.compile(rf"\s*{_NAME}\s*(?:=.*)?", re.ASCII)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`", re.DOTALL)
_QUOTES = "\"'`"
_PEM_BEGIN, _PEM_END = "-----BEGIN", "-----END"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a `.env` file."""

    name: str
    value: str = field(repr=False)


def parse(text: str) -> Iterator[Variable]:
    """Yield the variables; handles comments, `export`, quotes over several lines and PEM blocks.

    Any other line is skipped; no part of a value is ever taken as a name.

    Raises:
        Unusable: a quote is opened and never closed.
    """
    at = 0
    while at < len(text):
        match = _ASSIGNMENT.match(text, at)
        if match is None:
            at = _next_line(text, at)
            continue
        end = _end_of_value(text, match.end())
        value = text[match.end() : end].strip()
        yield Variable(match["name"], value.strip(_QUOTES))
        at = _next_line(text, end)


def missing_variables(env_structure: str, present_env: str | None) -> tuple[str, ...]:
    """Return the names that the backup's `.env` had and the present one lacks; all names without a present one.

    Args:
        env_structure: content of `env_structure.txt`; the original script also wrote values there, which are ignored.
        present_env: content of the present `.env`, if there is one.
    """
    lines = map(_LISTED.fullmatch, env_structure.splitlines())
    names = dict.fromkeys(line["name"] for line in lines if line)
    present: set[str] = set()
    with suppress(Unusable):  # the variables before the open quote are present
        for variable in parse(present_env or ""):
            present.add(variable.name)
    return tuple(name for name in names if name not in present)


def _end_of_value(text: str, at: int) -> int:
    if text[at : at + 1] and text[at] in _QUOTES:
        while text[at : at + 1] and text[at] in _QUOTES:  # adjacent quotes are one value, as in a shell
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                raise Unusable(f"a quote in line {text.count(chr(10), 0, at) + 1} is never closed")
            at = quoted.end()
        return at
    end = _end_of_line(text, at)
    while text[at:end].endswith("\\"):
        end = _end_of_line(text, end + 1)
    if _PEM_BEGIN in text[at:end] and _PEM_END not in text[at:end]:
        closing = text.find(_PEM_END, end)
        if closing < 0:
            raise Unusable(f"a key in line {text.count(chr(10), 0, at) + 1} has no end")
        end = _end_of_line(text, closing)
    return end


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _next_line(text: str, at: int) -> int:
    return _end_of_line(text, at) + 1
