"""Writes the alarm table into docs/runbooks/README.md: `python -m infra.alarm_docs`."""

import re
from collections.abc import Iterator
from pathlib import Path

from infra.monitoring import targets
from sqlitevault.ground.alarm_table import AlarmSpec, database_alarms, function_alarms, queue_alarm
from sqlitevault.ground.stage import DeploymentSettings

PAGE = Path(__file__).parents[1] / "docs" / "runbooks" / "README.md"
_BEGIN, _END = "<!-- alarms: written by `python -m infra.alarm_docs` -->", "<!-- end of alarms -->"
_BETWEEN = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)


def with_table(page: str) -> str:
    """Return the page with the table as it is now, for a deployment with default settings."""
    return _BETWEEN.sub(lambda _: f"{_BEGIN}\n\n{_table()}\n\n{_END}", page)


def _table() -> str:
    return "\n".join(
        [
            "| alarm | fires when | meaning | do first | runbook |",
            "| --- | --- | --- | --- | --- |",
            *(_row(spec) for spec in _specs()),
        ]
    )


def _specs() -> Iterator[AlarmSpec]:
    settings = DeploymentSettings()
    yield from database_alarms(targets(settings))
    yield queue_alarm("…")
    yield from function_alarms("…", settings.timeout_seconds)


def _row(spec: AlarmSpec) -> str:
    condition = f"`{spec.metric} {spec.comparison} {spec.threshold:,.10g}`"
    condition += f", {spec.periods} times in a row" if spec.periods > 1 else ""
    condition += ", or missing" if spec.on_missing_data else ""
    page = f"[{spec.runbook}]({spec.runbook}.md)"
    return f"| {spec.name} | {condition} | {spec.meaning} | {spec.first} | {page} |"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
