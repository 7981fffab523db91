"""The deployed alarms on one database, and their audit against the alarm table."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlitevault.ground.alarm_table import AlarmSpec
from sqlitevault.vault.protocol import Vault

_COMPARISONS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One deployed alarm. `armed`: it notifies a topic; `listeners`: that topic's confirmed subscriptions.

    It fires when `value <comparison> threshold`, and on missing data if `on_missing_data`; `firing` is its state now.
    """

    name: str
    metric: str
    armed: bool
    listeners: int
    firing: bool
    comparison: str
    threshold: float
    on_missing_data: bool

    def fires_at(self, value: float) -> bool:
        """Return whether it would fire if its metric had this value."""
        return self.comparison in _COMPARISONS and _COMPARISONS[self.comparison](value, self.threshold)


def deployed_alarms(vault: Vault, database: str) -> tuple[Alarm, ...] | None:
    """Return every alarm on a metric of this database; None for a vault that is never deployed, such as a directory.

    Raises:
        VaultUnavailable: the alarms cannot be read.
    """
    if not vault.capabilities.deployed:
        return None
    # Importing boto3 takes longer than a whole command on a directory.
    from sqlitevault.watch.aws_alarms import alarms_at  # noqa: PLC0415

    return alarms_at(vault.location, database)


def missing_alarms(required: Iterable[AlarmSpec], deployed: Sequence[Alarm]) -> Iterator[str]:
    """Yield what is wrong with the deployed alarms: one is missing, or set so that it fires too late or never."""
    for spec in required:
        alarms = [alarm for alarm in deployed if alarm.metric == spec.metric]
        latest = spec.threshold if spec.fires_by is None else spec.fires_by
        if not alarms:
            yield f"no alarm on {spec.metric}"
        elif not any(alarm.fires_at(latest) for alarm in alarms):
            yield f"no alarm fires when {spec.metric} is {latest:g}"
        elif spec.on_missing_data and not any(alarm.on_missing_data for alarm in alarms):
            yield f"no alarm fires when {spec.metric} is missing"
