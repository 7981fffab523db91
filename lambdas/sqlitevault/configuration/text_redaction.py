"""Redaction by line: `.env` files, INI files, server configuration, comments, and files embedded in YAML."""

import re
from dataclasses import dataclass, field
from functools import partial

from sqlitevault.configuration.secrets import REDACTED, is_literal, looks_secret, mentions

_URL_PASSWORD = re.compile(
    r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@\"'<>]*:)(?!\d{1,5}[/?#])(?P<secret>[^\s\"']+)(?=@[\w.\[$%-])"
)
_URL_TOKEN = re.compile(r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<secret>[^\s/:@\"'<>]{16,})(?=@)")
_AUTHORIZATION = re.compile(
    r"(?P<head>\bauthorization[\"'\s:=]+(?:basic|bearer|token)\s+)(?P<secret>[\w+/=.~-]{4,})", re.IGNORECASE
)
_VALUE = r"(?P<secret>\"[^\"\n]*\"|'[^'\n]*'|[^\s;\"']+)"
_DIRECTIVE = re.compile(
    r"(?P<head>\b(?:proxy_set_header|add_header|more_set_headers|fastcgi_param|uwsgi_param|set)\s+"
    rf"\$?(?P<name>[\w-]+)\s+){_VALUE}"
)
_COMPARISON = re.compile(rf"(?P<head>\$(?:http|arg|cookie)_(?P<name>\w+)\s*!?[=~*]+\s*){_VALUE}")
_OPTION = re.compile(rf"(?P<head>(?<![\w-])--?(?P<name>[A-Za-z][\w.-]*)[= ]\s*){_VALUE}")
_ASSIGNMENT = re.compile(
    r"^(?P<head>[ \t]*(?:[#;]+[ \t]*)*(?:-[ \t]+)?(?:(?:export|ENV|ARG)[ \t]+)?[\"']?(?P<name>[A-Za-z_][\w.-]*)[\"']?"
    r"[ \t]*(?::=|=|:)[ \t]*)(?P<secret>\"[^\"]*\"|'[^']*'|\S[^\n]*?)(?P<tail>[ \t]*,?[ \t\r]*)$",
    re.MULTILINE,
)
_JSON_PAIR = re.compile(r"(?P<head>[\"'](?P<name>[\w.-]+)[\"']\s*:\s*)(?P<secret>\"(?:[^\"\\]|\\.)*\")")
_WITHIN_COMMENT = re.compile(r"(?P<head>(?P<name>[A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*)(?P<secret>[^\s;\"']+)")
_DSN = re.compile(r"(?P<head>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<secret>[^\s/@\"'<>]+)(?=@)")
_WEBHOOK = re.compile(r"(?P<head>https://hooks\.slack\.com/services/)(?P<secret>[\w/]+)")
_COMMENT_LINE = re.compile(r"^[ \t]*[#;][^\r\n]*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Redaction:
    """A text without its secrets.

    `taken` is everything removed; `secrets` is the part that other files are searched for too (not a database's name
    that happens to be kept in a Secret). Both only serve to prove that they are gone, and are never shown.
    """

    text: str
    taken: frozenset[str] = field(repr=False)
    secrets: frozenset[str] = field(repr=False)


class Unusable(Exception):
    """A backup leaves this file out; the message is the reason."""


def redact_text(text: str) -> Redaction:
    """Replace every value assigned to a name that looks secret, and every password in a URL or header."""
    taken: set[str] = set()
    named, always = partial(_named, taken=taken), partial(_replaced, taken=taken)
    for pattern in (_ASSIGNMENT, _DIRECTIVE, _COMPARISON, _OPTION, _JSON_PAIR):
        text = pattern.sub(named, text)
    for pattern in (_AUTHORIZATION, _URL_PASSWORD, _URL_TOKEN, _WEBHOOK):
        text = pattern.sub(always, text)
    text = _COMMENT_LINE.sub(lambda match: _WITHIN_COMMENT.sub(named, match[0]), text)
    text = _COMMENT_LINE.sub(lambda match: redact_comment(match[0], taken), text)
    return Redaction(text, frozenset(taken), frozenset(taken))


def redact_value(name: str, value: str) -> Redaction:
    """Replace the secrets in a value on one line that is assigned to this name."""
    variable = re.sub(r"[^\w.-]", "_", name)
    found = redact_text(f"_{variable}={value}")
    return Redaction(found.text.partition("=")[2], found.taken, found.secrets)


def redact_comment(comment: str, secrets: set[str]) -> str:
    """Return the comment, or a replacement if it mentions one of these secrets."""
    marker = comment[: len(comment) - len(comment.lstrip())] + comment.lstrip()[:1]
    return f"{marker} {REDACTED}" if mentions(comment, secrets) else comment


def _named(match: re.Match[str], taken: set[str]) -> str:
    if not looks_secret(match["name"]):
        return match[0]
    url = _DSN.search(match["secret"])
    if url is not None:  # in a connection string only the user and password are secret
        taken.update({url["secret"], url["secret"].rpartition(":")[2]})
        return match[0].replace(url["secret"] + "@", REDACTED + "@")
    if "://" in match["secret"] and "dsn" in match["name"].lower():
        return match[0]
    return _replaced(match, taken)


def _replaced(match: re.Match[str], taken: set[str]) -> str:
    secret = match["secret"]
    quote = secret[0] if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'" else ""
    bare = secret[1:-1] if quote else secret
    if not is_literal(bare):
        return match[0]
    taken.add(bare)
    return match["head"] + quote + REDACTED + quote + (match.groupdict().get("tail") or "")
