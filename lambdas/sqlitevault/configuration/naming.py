"""Which variables hold secrets, going by their names, and which values are secrets rather than references to them."""

import re

REDACTED = "REDACTED_BY_SQLITEVAULT"
"""Stands in for each secret. Not valid base64 (RFC 4648), so Kubernetes refuses it where a real value is needed."""

# Found anywhere in a name: dbpassword, API_SECRET, accessToken.
_ANYWHERE = re.compile(
    r"passw|passphrase|secret|token|credential|api_?key|private_?key|access_?key|signing_?key|encryption_?key",
    re.IGNORECASE,
)
# Found as a word of a name: SECRET_KEY, dbPwd, SENTRY_DSN.
_WORDS = frozenset(
    {"key", "keys", "pwd", "pass", "dbpass", "requirepass", "pw", "dsn", "auth", "salt", "pepper", "pin"}
)
# Words that make it a name, a place or a property of a secret when they come last: SECRET_NAME, TOKEN_EXPIRE_MINUTES.
_ABOUT = frozenset(
    {
        *("name", "file", "path", "dir", "ref", "refs", "id", "ids", "url", "uri", "host", "port", "user", "username"),
        *("type", "kind", "algorithm", "alg", "format", "version", "header", "prefix", "issuer", "audience", "scope"),
        *("scopes", "enabled", "required", "disabled", "count", "limit", "length", "len", "size", "min", "max", "mode"),
        *("ttl", "age", "expire", "expires", "expiry", "expiration", "lifetime", "interval", "timeout", "rotation"),
        *("days", "hours", "minutes", "seconds", "ms", "method"),
    }
)
# Field names of Kubernetes and Compose that have a secret's word in them and never its value.
_FIELDS = frozenset({"key", "keys", "topologyKey"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_VARIABLE = r"[A-Za-z_]\w*"
_REFERENCE = re.compile(
    rf"\$\{{{_VARIABLE}(?::?\?[^}}]*|:?-)?\}}|\$\({_VARIABLE}\)|\$\$?{_VARIABLE}|\{{\{{.*?\}}\}}|%\({_VARIABLE}\)s|<[^<>]*>"
)
_SETTING = re.compile(r"true|false|yes|no|on|off|null|none|~", re.IGNORECASE)
_PUBLIC = "public"


def looks_secret(name: str) -> bool:
    """Tell whether a variable of this name is likely to hold a secret; when in doubt it is."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or name in _FIELDS or words[-1] in _ABOUT or (_PUBLIC in words and words[-1] in {"key", "keys"}):
        return False
    return _ANYWHERE.search(name) is not None or not _WORDS.isdisjoint(words)


def is_literal(value: str) -> bool:
    """Tell whether a value could itself be a secret: not empty, not `${VAR}`, `<placeholder>`, `true`, or ours."""
    rest = _REFERENCE.sub("", value.strip().strip("\"'").replace(REDACTED, ""))
    return re.search(r"[^\W_]", rest) is not None and _SETTING.fullmatch(rest) is None
