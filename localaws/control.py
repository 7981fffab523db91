"""Client of the control API, with which tests and the demo steer an embedded AWS."""

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
    """The embedded AWS refused a request, or its background work did not end in time."""


@dataclass(frozen=True, slots=True)
class Fired:
    """A fired schedule: its target's input, and whether it was delivered."""

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
    """The mode of the replication simulation, and the objects (`bucket/key`) that it holds or failed."""

    mode: str
    waiting: tuple[str, ...]
    failed: tuple[str, ...]


class Control:
    """Steers one embedded AWS."""

    def __init__(self, endpoint: str) -> None:
        """Talk to the embedded AWS at `endpoint`."""
        self.endpoint = endpoint

    def fire(self, schedule: str, *, region: str, at: datetime | None = None) -> Fired:
        """Fire a deployed schedule, by its name or a unique part of it; return before its target has run."""
        answer = self._post("fire", {"schedule": schedule, "region": region, "at": _text(at)})
        return Fired(**answer)

    def schedules(self, region: str) -> list[dict[str, Any]]:
        """Return the deployed schedules, as `scheduler.get_schedule` shows them."""
        found: list[dict[str, Any]] = self._post("schedules", {"region": region})
        return found

    def settle(self, timeout: float = DEFAULT_SETTLE_SECONDS) -> None:
        """Wait until all background work is done: events, invocations, replication.

        Raises:
            ControlError: that took longer than `timeout` seconds.
        """
        answer = self._post("settle", {"timeout": timeout}, timeout=timeout + 10)
        if not answer["settled"]:
            raise ControlError(f"still unfinished after {timeout} s: {', '.join(answer['unfinished'])}")

    def failures(self) -> list[str]:
        """Return the failures of background work; for those of functions see `invocations`."""
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
        """Make all requests to these regions fail, and only those; an empty list restores all regions."""
        self._post("regions", {"off": sorted(regions)})

    def put_log_lines(self, lines: Sequence[str], *, region: str) -> int:
        """Hand log lines to the EMF simulation; returns how many metrics it found."""
        return int(self._post("emf", {"lines": list(lines), "region": region})["metrics"])

    def file_system(self, function: str, *, region: str) -> dict[str, Path]:
        """Return the directories that serve as a function's mounted file systems, by mount path."""
        mounts = self._post("file-system", {"function": function, "region": region})
        return {mount: Path(folder) for mount, folder in mounts.items()}

    def forget_metrics(self) -> None:
        """Let time pass for the alarms: they no longer consider the values measured until now."""
        self._post("metrics/forget", {})

    def evaluate_alarms(self, now: datetime | None = None) -> list[AlarmChange]:
        """Evaluate all deployed alarms as of `now`, deliver their actions, and return all states."""
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
