"""One alarm: what it watches, when it is loud, and which runbook answers it."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alerts import Alerts

_RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """An alarm in one place: what has happened, and what to do first; the runbook has the rest.

    `silence_is_bad`: no data means that what should report is dead.
    """

    name: str
    metric: cloudwatch.IMetric
    threshold: float
    says: str
    first: str
    runbook: str
    periods: int = 1
    below: bool = False
    silence_is_bad: bool = False


def add_alarm(scope: Construct, spec: AlarmSpec, alerts: Alerts, prefix: str) -> cloudwatch.Alarm:
    """Make the alarm: breaching at or beyond the threshold, or below it; recovery is announced too."""
    comparison = cloudwatch.ComparisonOperator
    alarm = cloudwatch.Alarm(
        scope,
        spec.name,
        alarm_name=f"{prefix}-{spec.name}",
        alarm_description=described(spec.says, spec.first, spec.runbook),
        metric=spec.metric,
        threshold=spec.threshold,
        evaluation_periods=spec.periods,
        comparison_operator=comparison.LESS_THAN_THRESHOLD
        if spec.below
        else comparison.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.BREACHING
        if spec.silence_is_bad
        else cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(alerts.action())
    alarm.add_ok_action(alerts.action())
    return alarm


def described(says: str, first: str, runbook: str) -> str:
    """Return what a mail tells about an alarm."""
    return f"{says} First: {first} Runbook: {_RUNBOOKS}/{runbook}.md"


def minutes(count: int) -> Duration:
    """Return a period."""
    return Duration.minutes(count)
