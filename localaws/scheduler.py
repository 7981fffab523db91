"""Simulation of EventBridge Scheduler: fires a deployed schedule on request, never by the clock.

Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localaws.clients import Clients
from localaws.functions.asynchronous import send_to

if TYPE_CHECKING:
    from localaws.functions.moto_seam import FunctionSeam  # moto takes a second to import


class ScheduleError(LookupError):
    """The schedule does not exist, is ambiguous, or is disabled."""


class Scheduler:
    """Finds schedules and fires them."""

    def __init__(self, seam: "FunctionSeam", clients: Clients) -> None:
        """Keep what a firing needs."""
        self._seam, self._clients = seam, clients

    def schedules(self, region: str) -> list[dict[str, Any]]:
        """Return the deployed schedules of a region in full."""
        scheduler = self._clients("scheduler", region)
        pages = scheduler.get_paginator("list_schedules").paginate()
        found = [row for page in pages for row in page["Schedules"]]
        return [scheduler.get_schedule(GroupName=row["GroupName"], Name=row["Name"]) for row in found]

    def fire(self, region: str, name: str, at: datetime) -> dict[str, Any]:
        """Act as Scheduler does at the moment `at`: complete the input and invoke the target asynchronously.

        Returns:
            The schedule's name, the execution id, the target, its input, and whether it was delivered.

        Raises:
            ScheduleError: no or several schedules have `name` in their name, or it is disabled.
        """
        schedule = choose(self.schedules(region), name)
        target, execution = schedule["Target"], str(uuid.uuid4())
        text = fill_in(target.get("Input", "{}"), at=at, schedule_arn=schedule["Arn"], execution=execution)
        return {
            "schedule": schedule["Name"],
            "execution_id": execution,
            "target": target["Arn"],
            "input": text,
            "delivered": self._deliver(target, text),
        }

    def _deliver(self, target: Mapping[str, Any], text: str) -> bool:
        from localaws.functions.moto_seam import find_function  # noqa: PLC0415

        function = find_function(target["Arn"])
        if function is not None:
            self._seam.send(function, text.encode(), trigger="schedule")
            return True
        dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
        if dead_letters is None:
            raise ScheduleError(f"the target {target['Arn']} does not exist, and there is no dead-letter queue")
        reason = {
            "ERROR_CODE": "AWS.Lambda.ResourceNotFoundException",
            "ERROR_MESSAGE": "Function not found",
            "TARGET_ARN": target["Arn"],
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        }
        send_to(dead_letters, text, self._clients, reason)
        return False


def choose(schedules: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the enabled schedule with exactly this name, or the only one whose name contains it in any case.

    Raises:
        ScheduleError: there is none, there are several, or the only one is disabled.
    """
    exact = [schedule for schedule in schedules if schedule["Name"] == name]
    found = exact or [schedule for schedule in schedules if name.lower() in schedule["Name"].lower()]
    if len(found) != 1:
        known = ", ".join(sorted(schedule["Name"] for schedule in schedules)) or "none"
        raise ScheduleError(f"{len(found)} schedules match {name!r}; deployed schedules: {known}")
    if found[0].get("State", "ENABLED") != "ENABLED":
        raise ScheduleError(f"the schedule {found[0]['Name']} is disabled")
    return found[0]


def fill_in(text: str, *, at: datetime, schedule_arn: str, execution: str, attempt: int = 1) -> str:
    """Return the input with Scheduler's context attributes replaced."""
    attributes = {
        "<aws.scheduler.schedule-arn>": schedule_arn,
        "<aws.scheduler.scheduled-time>": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "<aws.scheduler.execution-id>": execution,
        "<aws.scheduler.attempt-number>": str(attempt),
    }
    for attribute, value in attributes.items():
        text = text.replace(attribute, value)
    return text
