"""Configuration files without their secrets, collected for a backup.

A file that cannot be proven free of secrets is left out and reported; messages never hold more than a file's name.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from sqlitevault.configuration import variables
from sqlitevault.configuration.secrets import holds_key_material, is_literal, leaks, looks_secret
from sqlitevault.configuration.text_redaction import Redaction, Unusable, redact_text
from sqlitevault.configuration.variables import ENV_STRUCTURE, ENVIRONMENT
from sqlitevault.configuration.yaml_redaction import redact_yaml
from sqlitevault.ground.facts import CONFIG_PREFIX

LARGEST_FILE = 512 << 10
"""In bytes. People write configuration; a larger file is something else."""
MOST_FILES = 1000
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Collected:
    """The redacted copy of each file by its path in the archive, and the reason for each file left out."""

    members: dict[str, Path]
    omitted: dict[str, str]


@dataclass(slots=True)
class _Gathered:
    redacted: dict[str, str] = field(default_factory=dict)
    omitted: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def omit(self, path: str, reason: str) -> None:
        self.redacted.pop(path, None)
        self.omitted[path] = reason


def collect(root: Path, patterns: tuple[str, ...], staging: Path) -> Collected:
    """Write redacted copies of the configuration below `root` into `staging`, an empty folder.

    Collects the files that match `patterns`, and the names of the variables in .env as `env_structure.txt`. Any of them
    may be missing.

    Raises:
        OSError: `staging` cannot be written.
    """
    gathered = _Gathered()
    _gather_environment(root, gathered)
    found = {path.relative_to(root).as_posix() for pattern in patterns for path in root.glob(pattern)}
    for number, path in enumerate(sorted(found)):
        if number < MOST_FILES:
            _gather_file(root, path, gathered)
        else:
            gathered.omit(path, f"there are more than {MOST_FILES} configuration files")
    for path, text in list(gathered.redacted.items()):
        if path != ENV_STRUCTURE and leaks(text, gathered.secrets):
            gathered.omit(path, "it holds a secret of another file")
    members = {CONFIG_PREFIX + path: text for path, text in sorted(gathered.redacted.items())}
    return Collected({path: _stage(staging / path, text) for path, text in members.items()}, gathered.omitted)


def _gather_environment(root: Path, gathered: _Gathered) -> None:
    if not os.path.lexists(root / ENVIRONMENT):
        return
    try:
        text = _read(root, ENVIRONMENT)
        found = list(variables.parse(text))
        names = dict.fromkeys(variable.name for variable in found)
        gathered.redacted[ENV_STRUCTURE] = "".join(f"{name}\n" for name in names)
        for variable in found:
            if looks_secret(variable.name) and is_literal(variable.value):
                gathered.secrets.add(variable.value)
            gathered.secrets |= redact_text(variable.value).secrets
    except Unusable as error:
        gathered.omit(ENVIRONMENT, str(error))


def _gather_file(root: Path, path: str, gathered: _Gathered) -> None:
    if not path.isprintable() or "\\" in path:
        gathered.omit(ascii(path), "its name has characters that no file name should have")
        return
    try:
        redaction = _redact(path, _read(root, path))
    except Unusable as error:
        gathered.omit(path, str(error))
        return
    if leaks(redaction.text, redaction.taken) or holds_key_material(redaction.text):
        gathered.omit(path, "a secret is in a place where it cannot be replaced")
    else:
        gathered.redacted[path] = redaction.text
    gathered.secrets |= redaction.secrets


def _redact(path: str, text: str) -> Redaction:
    if path.endswith((".yml", ".yaml")):
        return redact_yaml(text)
    if holds_key_material(text):
        raise Unusable("it holds a private key or token")
    return redact_text(text)


def _read(root: Path, path: str) -> str:
    """Return the content of a file that is really below `root`."""
    try:
        real = (root / path).resolve(strict=True)
        if not real.is_relative_to(root.resolve()):
            raise Unusable("it is a link out of the folder")
        if real.name.startswith(ENVIRONMENT) and real.name != Path(path).name:
            raise Unusable("it is a link to another kind of file")
        content = _read_file(real)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, up to Python 3.12
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "a loop of links"
        raise Unusable(f"it cannot be read: {reason}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable("it is not UTF-8 text") from None


def _read_file(path: Path) -> bytes:
    with os.fdopen(os.open(path, _READ), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Unusable("it is not a regular file")
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise Unusable(f"it has more than {LARGEST_FILE:,} bytes")
    return content


def _stage(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(text.encode())
    return target
