"""Rule expressions of composite alarms.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r"\s*(?:(?P<call>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?P<name>\"[^\"]*\"|'[^']*'|[^)\s]+)\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))"
)
_CONSTANTS = {"TRUE": True, "FALSE": False}


class RuleError(ValueError):
    """The expression is malformed, or names an alarm that does not exist."""


def holds(rule: str, states: Mapping[str, str]) -> bool:
    """Return whether the rule is true for these states of alarms (by name).

    Raises:
        RuleError: the rule is malformed, or names an alarm that is not in `states`.
    """
    parser = _Parser(_tokens(rule), states)
    value = parser.either()
    if parser.tokens:
        raise RuleError(f"unexpected {parser.tokens[0]!r} in the rule {rule}")
    return value


def _tokens(rule: str) -> list[str | tuple[str, str]]:
    tokens: list[str | tuple[str, str]] = []
    position = 0
    while rule[position:].strip():
        found = _TOKEN.match(rule, position)
        if found is None:
            raise RuleError(f"cannot read {rule[position:]!r}")
        tokens.append(found["word"] or (found["call"], _alarm_name(found["name"])))
        position = found.end()
    return tokens


def _alarm_name(text: str) -> str:
    """An alarm is named by its name or its ARN, quoted or not."""
    name = text.strip("\"'")
    return name.split(":alarm:", 1)[-1]


class _Parser:
    """Recursive descent: OR binds loosest, then AND, then NOT."""

    def __init__(self, tokens: list[str | tuple[str, str]], states: Mapping[str, str]) -> None:
        self.tokens, self._states = tokens, states

    def either(self) -> bool:
        value = self._both()
        while self._next_is("OR"):
            value = self._both() or value
        return value

    def _both(self) -> bool:
        value = self._one()
        while self._next_is("AND"):
            value = self._one() and value
        return value

    def _one(self) -> bool:
        if self._next_is("NOT"):
            return not self._one()
        if self._next_is("("):
            value = self.either()
            if not self._next_is(")"):
                raise RuleError("a parenthesis is not closed")
            return value
        if not self.tokens:
            raise RuleError("the rule ends too early")
        token = self.tokens.pop(0)
        if isinstance(token, tuple):
            return self._state(token[1]) == token[0]
        if token in _CONSTANTS:
            return _CONSTANTS[token]
        raise RuleError(f"unexpected {token!r}")

    def _state(self, name: str) -> str:
        if name not in self._states:
            raise RuleError(f"alarm {name!r} does not exist")
        return self._states[name]

    def _next_is(self, word: str) -> bool:
        if self.tokens and self.tokens[0] == word:
            self.tokens.pop(0)
            return True
        return False
