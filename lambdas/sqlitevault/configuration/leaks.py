"""Proving that a secret is gone: looking for what was taken out of a file in everything that is about to be kept."""

import base64
import binascii
import re
from collections.abc import Iterable

from sqlitevault.configuration.naming import is_literal

_SHORTEST = 4
_LONG = 12
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
_KNOWN_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,}|xox[abprs]-[\w-]{20,}|sk_live_\w{20,}|glpat-[\w-]{20})"
)


def holds_key_material(text: str) -> bool:
    """Tell whether a text holds a private key or a token of a well-known form."""
    return _PRIVATE_KEY.search(text) is not None or _KNOWN_TOKEN.search(text) is not None


def leaks(text: str, secrets: Iterable[str]) -> bool:
    """Tell whether any of these secrets, plain or base64, still stands in a text.

    A plain word (`postgres`, `admin`) does not count: as a password it gives nothing away where it names an image.
    """
    return any(_stands_in(form, text) for secret in secrets for form in _forms(secret) if not _is_plain_word(form))


def mentions(comment: str, secrets: Iterable[str]) -> bool:
    """Tell whether a comment has any of these secrets in it; there a plain word counts too."""
    return any(_stands_in(form, comment) for secret in secrets for form in _forms(secret))


def _forms(secret: str) -> set[str]:
    """Return the ways in which a secret may be written: whole, by line, base64 of it, what it is base64 of."""
    forms = {secret.strip(), *(line.strip() for line in secret.splitlines() if len(line.strip()) >= _LONG)}
    forms.add(base64.b64encode(secret.encode()).decode())
    try:
        decoded = base64.b64decode("".join(secret.split()), validate=True).decode()
        forms |= {decoded.strip(), *(line.strip() for line in decoded.splitlines() if len(line.strip()) >= _LONG)}
    except (binascii.Error, ValueError):
        pass  # not base64 of a text
    return {form for form in forms if len(form) >= _SHORTEST and is_literal(form)}


def _is_plain_word(text: str) -> bool:
    return len(text) < _LONG and (text.isalpha() or text.isdigit()) and (text.islower() or not text.isalpha())


def _stands_in(secret: str, text: str) -> bool:
    if len(secret) >= _LONG:
        return secret in text
    return re.search(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", text) is not None
