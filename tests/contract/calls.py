"""One call for each method of a vault, for tests that apply to all methods: (vault, name, folder for files)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sqlitevault.vault.protocol import Vault
from tests.contents import make_content

Call = Callable[[Vault, str, Path], object]


def _upload(vault: Vault, name: str, folder: Path) -> object:
    content = make_content(folder, 1000)
    return vault.upload(name, content.path, sha256=content.sha256)


WRITING: dict[str, Call] = {
    "upload": _upload,
    "create": lambda vault, name, _: vault.create(name, b"!"),
    "replace": lambda vault, name, _: vault.replace(name, b"!"),
}
READING: dict[str, Call] = {
    "read": lambda vault, name, _: vault.read(name, limit=1),
    "download": lambda vault, name, folder: vault.download(name, folder / "back"),
    "replication_status": lambda vault, name, _: vault.replication_status(name),
}
LENIENT: dict[str, Call] = {
    "delete": lambda vault, name, _: vault.delete(name),
    "versions": lambda vault, name, _: list(vault.versions(name)),
}
OF_THE_WHOLE: dict[str, Call] = {
    "objects": lambda vault, _name, _: list(vault.objects()),
    "sweep": lambda vault, _name, _: vault.sweep(0),
}
BY_NAME = WRITING | READING | LENIENT
EVERY = BY_NAME | OF_THE_WHOLE


def each(calls: dict[str, Call]) -> pytest.MarkDecorator:
    """Run a test once for each call."""
    return pytest.mark.parametrize("call", calls.values(), ids=calls)
