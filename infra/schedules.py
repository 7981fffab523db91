"""Schedules. All times are UTC.

Scheduler invokes functions asynchronously. Its dead-letter queue holds failed deliveries; events that a function failed
on go to the functions' own queue. The event carries the scheduled time, so a repeated delivery makes no second backup.
"""

from datetime import timedelta

from aws_cdk import Duration, TimeZone
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from constructs import Construct

from infra.dead_letters import dead_letter_queue
from infra.nag import acknowledge_wildcards
from sqlitevault.ground.facts import MONITOR_PERIOD, Tier


class Schedules(Construct):
    """A group of schedules, and the queue for failed deliveries."""

    def __init__(self, scope: Construct, construct_id: str, *, group: str) -> None:
        """Make an empty group."""
        super().__init__(scope, construct_id)
        self._group = scheduler.ScheduleGroup(self, "Group", schedule_group_name=group)
        self.dead_letters = dead_letter_queue(self)
        self._role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com"))

    def add(
        self, name: str, function: lambda_.IFunction, expression: scheduler.ScheduleExpression, event: dict[str, object]
    ) -> None:
        """Invoke `function` with `event` on this schedule."""
        invoking = iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[f"{function.function_arn}:*"])
        acknowledge_wildcards(self._role, [invoking], "The function's own versions, as the L2 target grants it.")
        scheduler.Schedule(
            self,
            name,
            schedule_name=f"{self._group.schedule_group_name}-{name.lower()}",
            schedule_group=self._group,
            schedule=expression,
            time_window=scheduler.TimeWindow.off(),
            target=targets.LambdaInvoke(
                function,
                input=scheduler.ScheduleTargetInput.from_object(event),
                role=self._role,
                dead_letter_queue=self.dead_letters,
                retry_attempts=3,
                max_event_age=Duration.minutes(20),
            ),
        )


def backup_event(tier: Tier, scope: str) -> dict[str, object]:
    """Return the event of a scheduled backup."""
    return {"tier": tier.value, "scope": scope, "scheduled_time": scheduler.ContextAttribute.scheduled_time}


def at(
    *, minute: str, hour: str = "*", week_day: str | None = None, day: str | None = None
) -> scheduler.ScheduleExpression:
    """Return a cron expression in UTC."""
    return scheduler.ScheduleExpression.cron(
        minute=minute, hour=hour, week_day=week_day, day=day, time_zone=TimeZone.ETC_UTC
    )


def monitor_schedule() -> scheduler.ScheduleExpression:
    """Return the schedule of the monitor."""
    return scheduler.ScheduleExpression.rate(Duration.minutes(MONITOR_PERIOD / timedelta(minutes=1)))
