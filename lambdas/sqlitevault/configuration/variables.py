"""Reading `.env` files: which variables there are. Their values are read only to be kept out of everything else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_NAME = r"(?:export[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)"
_ASSIGNMENT = re.compile(rf"[ \t]*{_NAME}[ \t]*=[ \t]*", re.ASCII)
_LISTED = re.compile(rf"\s*{_NAME}\s*(?:=.*)?", re.ASCII)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`", re.DOTALL)
_QUOTES = "\"'`"
_PEM_BEGIN, _PEM_END = "-----BEGIN", "-----END"


class Unclosed(Exception):
    """A quoted value does not end, so what follows cannot be told apart from it. The message names the line."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a `.env` file."""

    name: str
    value: str = field(repr=False)


def parse(text: str) -> Iterator[Variable]:
    """Yield the variables: comments, `export`, quotes over several lines and PEM blocks are understood.

    A line that is none of this is skipped; no part of a value ever passes for a name.

    Raises:
        Unclosed: a quote is opened and never closed.
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


def structure(text: str) -> str:
    """Return the names of the variables of a `.env` file, one per line, each once, in its order.

    Raises:
        Unclosed: a quote is opened and never closed.
    """
    return "".join(f"{name}\n" for name in dict.fromkeys(variable.name for variable in parse(text)))


def missing_variables(env_structure: str, present_env: str | None) -> tuple[str, ...]:
    """Return the names that the backup's `.env` had and the present one lacks; all if there is none now.

    Args:
        env_structure: content of `env_structure.txt`; the original script wrote values there too, which are ignored.
        present_env: content of the present `.env`, if there is one.
    """
    lines = map(_LISTED.fullmatch, env_structure.splitlines())
    names = dict.fromkeys(line["name"] for line in lines if line)
    present = _present(present_env) if present_env is not None else set()
    return tuple(name for name in names if name not in present)


def _present(text: str) -> set[str]:
    found: set[str] = set()
    try:
        for variable in parse(text):
            found.add(variable.name)
    except Unclosed:
        return found  # what comes before the open quote is there
    return found


def _end_of_value(text: str, at: int) -> int:
    if text[at : at + 1] and text[at] in _QUOTES:
        while text[at : at + 1] and text[at] in _QUOTES:  # adjacent quotes are one value, as in a shell
            quoted = _QUOTED.match(text, at)
            if quoted is None:
                raise Unclosed(f"a quote in line {text.count(chr(10), 0, at) + 1} is never closed")
            at = quoted.end()
        return at
    end = _end_of_line(text, at)
    while text[at:end].endswith("\\"):
        end = _end_of_line(text, end + 1)
    if _PEM_BEGIN in text[at:end] and _PEM_END not in text[at:end]:
        closing = text.find(_PEM_END, end)
        if closing < 0:
            raise Unclosed(f"a key in line {text.count(chr(10), 0, at) + 1} has no end")
        end = _end_of_line(text, closing)
    return end


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _next_line(text: str, at: int) -> int:
    return _end_of_line(text, at) + 1
