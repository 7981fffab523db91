"""Writes the tables of all settings into docs/settings.md: `python -m infra.settings_docs`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sqlitevault.ground.settings import Settings
from sqlitevault.ground.stage import DeploymentSettings

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
_TABLES: dict[str, type[BaseModel]] = {"stage": DeploymentSettings, "command-line": Settings}
_BETWEEN = re.compile(r"(<!-- ([a-z-]+): written by `python -m infra\.settings_docs` -->).*?(<!-- end -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """Return the page with the tables as they are now."""
    return _BETWEEN.sub(lambda found: f"{found[1]}\n\n{_table(_TABLES[found[2]])}\n\n{found[3]}", page)


def shown(default: Any) -> str:  # noqa: ANN401
    """Return a default as the tables show it."""
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default in (None, (), []) else str(default)


def _table(model: type[BaseModel]) -> str:
    variable = any(field.alias for field in model.model_fields.values())
    head = ["setting", *(["variable"] if variable else []), "default", "meaning"]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *_rows(model)))


def _rows(model: type[BaseModel]) -> Iterator[list[str]]:
    for name, field in model.model_fields.items():
        if name != "stage":
            variable = [f"`{field.alias}`"] if field.alias else []
            yield [f"`{name}`", *variable, shown(field.default), str(field.description)]


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
