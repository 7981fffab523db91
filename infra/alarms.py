"""Makes CloudWatch alarms from rows of the alarm table."""

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alerts import Alerts
from sqlitevault.ground.alarm_table import COULD_NOT_RECOVER, COULD_NOT_RECOVER_DESCRIPTION, AlarmSpec

_COMPARISONS = {
    ">=": cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    "<": cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
}


def add_alarm(
    scope: Construct, spec: AlarmSpec, metric: cloudwatch.IMetric, alerts: Alerts, prefix: str
) -> cloudwatch.Alarm:
    """Make one alarm; it notifies the topic when it fires and when it recovers."""
    missing = cloudwatch.TreatMissingData
    alarm = cloudwatch.Alarm(
        scope,
        spec.name,
        alarm_name=f"{prefix}-{spec.name}",
        alarm_description=spec.description,
        metric=metric,
        threshold=spec.threshold,
        evaluation_periods=spec.periods,
        comparison_operator=_COMPARISONS[spec.comparison],
        treat_missing_data=missing.BREACHING if spec.on_missing_data else missing.NOT_BREACHING,
    )
    alarm.add_alarm_action(alerts.action())
    alarm.add_ok_action(alerts.action())
    return alarm


def add_composite(scope: Construct, alarms: dict[str, cloudwatch.Alarm], alerts: Alerts, prefix: str) -> None:
    """Make the composite alarm: it fires while a recovery would break a promise."""
    firing = [cloudwatch.AlarmRule.from_alarm(alarms[name], cloudwatch.AlarmState.ALARM) for name in COULD_NOT_RECOVER]
    composite = cloudwatch.CompositeAlarm(
        scope,
        "CouldNotRecoverNow",
        composite_alarm_name=f"{prefix}-CouldNotRecoverNow",
        alarm_description=COULD_NOT_RECOVER_DESCRIPTION,
        alarm_rule=cloudwatch.AlarmRule.any_of(*firing),
    )
    composite.add_alarm_action(alerts.action())
    composite.add_ok_action(alerts.action())
