"""The client of the control API: what tests and the demo do to an embedded AWS besides calling its AWS APIs."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from localaws.functions.ledger import Ran

DEFAULT_SETTLE_SECONDS = 60.0


class ControlError(Exception):
    """The embedded AWS refused a request, or did not come to rest in time."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A schedule that was fired: what its target got, and whether it got it."""

    schedule: str
    execution_id: str
    target: str
    input: str
    delivered: bool


@dataclass(frozen=True, slots=True)
class AlarmChange:
    """The state of one alarm before and after an evaluation."""

    region: str
    name: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """What the replication simulation does, and the objects (`bucket/key`) that it holds or has failed."""

    mode: str
    waiting: tuple[str, ...]
    failed: tuple[str, ...]


class Control:
    """Steers one embedded AWS."""

    def __init__(self, endpoint: str) -> None:
        """Talk to the embedded AWS at `endpoint`."""
        self.endpoint = endpoint

    def fire(self, schedule: str, *, region: str, at: datetime | None = None) -> Fired:
        """Fire a deployed schedule, by its name or a part of it that fits one only; returns before its target ran."""
        answer = self._post("fire", {"schedule": schedule, "region": region, "at": _text(at)})
        return Fired(**answer)

    def schedules(self, region: str) -> list[dict[str, Any]]:
        """Return the deployed schedules, as `scheduler.get_schedule` shows them."""
        found: list[dict[str, Any]] = self._post("schedules", {"region": region})
        return found

    def settle(self, timeout: float = DEFAULT_SETTLE_SECONDS) -> None:
        """Wait until everything that goes on behind the scenes is done: events, invocations, replication.

        Raises:
            ControlError: that took longer than `timeout` seconds.
        """
        answer = self._post("settle", {"timeout": timeout}, timeout=timeout + 10)
        if not answer["settled"]:
            raise ControlError(f"still unfinished after {timeout} s: {', '.join(answer['unfinished'])}")

    def failures(self) -> list[str]:
        """Return what went wrong behind the scenes (not: functions that failed, see `invocations`)."""
        failures: list[str] = self._post("status", {})["failures"]
        return failures

    def invocations(self, function: str | None = None) -> list[Ran]:
        """Return finished invocations, oldest first: all, or of functions whose name contains `function`."""
        return [Ran(**row) for row in self._post("invocations", {"function": function})]

    def replication(self, mode: Literal["run", "hold", "fail"] | None = None) -> ReplicationState:
        """Switch the replication simulation, or ask for its state."""
        answer = self._post("replication", {"mode": mode})
        return ReplicationState(answer["mode"], tuple(answer["waiting"]), tuple(answer["failed"]))

    def switch_off(self, regions: Iterable[str]) -> None:
        """Let every request to these regions fail, and to no others; an empty list brings all back."""
        self._post("regions", {"off": sorted(regions)})

    def put_log_lines(self, lines: Sequence[str], *, region: str) -> int:
        """Hand log lines to the EMF simulation; returns how many metrics it found."""
        return int(self._post("emf", {"lines": list(lines), "region": region})["metrics"])

    def file_system(self, function: str, *, region: str) -> dict[str, Path]:
        """Return the directories that play the parts of a function's mounted file systems, by mount path."""
        mounts = self._post("file-system", {"function": function, "region": region})
        return {mount: Path(folder) for mount, folder in mounts.items()}

    def forget_metrics(self) -> None:
        """Let time pass for the alarms: what was measured until now is out of every alarm's sight."""
        self._post("metrics/forget", {})

    def evaluate_alarms(self, now: datetime | None = None) -> list[AlarmChange]:
        """Let the alarm simulation look at all deployed alarms as of `now`, deliver actions, and return all states."""
        return [AlarmChange(**row) for row in self._post("alarms/evaluate", {"now": _text(now)})]

    def _post(self, verb: str, asked: dict[str, Any], *, timeout: float = 60.0) -> Any:
        request = urllib.request.Request(  # noqa: S310  (the scheme is ours)
            f"{self.endpoint}/_localaws/{verb}", json.dumps(asked).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise ControlError(f"{verb}: {error.read().decode(errors='replace')}") from error


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
