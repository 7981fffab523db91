"""Secrets in configuration: names that hold them, values that are secrets, and checks that they are gone."""

import base64
import binascii
import re
from collections.abc import Iterable

REDACTED = "REDACTED_BY_SQLITEVAULT"
"""Replaces each secret. It is not valid base64 (RFC 4648), so Kubernetes refuses it where it needs a real value."""

# Found anywhere in a name: dbpassword, API_SECRET, accessToken.
_ANYWHERE = re.compile(
    r"passw|passphrase|secret|token|credential|api_?key|private_?key|access_?key|signing_?key|encryption_?key",
    re.IGNORECASE,
)
# Found as a word of a name: SECRET_KEY, dbPwd, SENTRY_DSN.
_WORDS = frozenset(
    {"key", "keys", "pwd", "pass", "dbpass", "requirepass", "pw", "dsn", "auth", "salt", "pepper", "pin"}
)
# As the last word, these make it a name, place or property of a secret: SECRET_NAME, TOKEN_EXPIRE_MINUTES.
_ABOUT = frozenset(
    {
        *("name", "file", "path", "dir", "ref", "refs", "id", "ids", "url", "uri", "host", "port", "user", "username"),
        *("type", "kind", "algorithm", "alg", "format", "version", "header", "prefix", "issuer", "audience", "scope"),
        *("scopes", "enabled", "required", "disabled", "count", "limit", "length", "len", "size", "min", "max", "mode"),
        *("ttl", "age", "expire", "expires", "expiry", "expiration", "lifetime", "interval", "timeout", "rotation"),
        *("days", "hours", "minutes", "seconds", "ms", "method"),
    }
)
# Field names of Kubernetes and Compose that contain such a word but never hold a secret.
_FIELDS = frozenset({"key", "keys", "topologyKey"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_VARIABLE = r"[A-Za-z_]\w*"
_REFERENCE = re.compile(
    rf"\$\{{{_VARIABLE}(?::?\?[^}}]*|:?-)?\}}|\$\({_VARIABLE}\)|\$\$?{_VARIABLE}|\{{\{{.*?\}}\}}|%\({_VARIABLE}\)s|<[^<>]*>"
)
_SETTING = re.compile(r"true|false|yes|no|on|off|null|none|~", re.IGNORECASE)
_SHORTEST = 4
_LONG = 12
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----")
_KNOWN_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{50,}|xox[abprs]-[\w-]{20,}|sk_live_\w{20,}|glpat-[\w-]{20})"
)


def looks_secret(name: str) -> bool:
    """Return whether a variable of this name is likely to hold a secret; in doubt, True."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or name in _FIELDS or words[-1] in _ABOUT or ("public" in words and words[-1] in {"key", "keys"}):
        return False
    return _ANYWHERE.search(name) is not None or not _WORDS.isdisjoint(words)


def is_literal(value: str) -> bool:
    """Return whether a value can be a secret: it is not empty, `${VAR}`, `<placeholder>`, `true`, or REDACTED."""
    rest = _REFERENCE.sub("", value.strip().strip("\"'").replace(REDACTED, ""))
    return re.search(r"[^\W_]", rest) is not None and _SETTING.fullmatch(rest) is None


def holds_key_material(text: str) -> bool:
    """Return whether a text holds a private key or a token of a well-known form."""
    return _PRIVATE_KEY.search(text) is not None or _KNOWN_TOKEN.search(text) is not None


def leaks(text: str, secrets: Iterable[str]) -> bool:
    """Return whether a text still contains any of these secrets, plain or in base64.

    A plain word (`postgres`, `admin`) does not count: it may also be the name of an image.
    """
    return any(_stands_in(form, text) for secret in secrets for form in _forms(secret) if not _is_plain_word(form))


def mentions(comment: str, secrets: Iterable[str]) -> bool:
    """Return whether a comment contains any of these secrets; here a plain word counts too."""
    return any(_stands_in(form, comment) for secret in secrets for form in _forms(secret))


def _forms(secret: str) -> set[str]:
    """Return the forms in which a secret may be written: whole, by line, encoded to base64, decoded from base64."""
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
