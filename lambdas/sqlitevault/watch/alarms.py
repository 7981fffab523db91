"""The Alarms protocol: what has to be known of the alarms that watch a database. Its docstrings are its promises."""

import operator
from dataclasses import dataclass
from typing import Protocol

from sqlitevault.vault.opening import bucket_of

_COMPARISONS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm. `listeners`: confirmed subscriptions of the topics that it tells; `loud`: it is in alarm now.

    It is loud at values that compare so with `threshold`, as in `value >= threshold`; `silence_is_bad`: also at none.
    """

    name: str
    metric: str
    armed: bool
    listeners: int
    loud: bool
    comparison: str
    threshold: float
    silence_is_bad: bool

    def loud_at(self, value: float) -> bool:
        """Tell whether it would be loud if its metric had this value."""
        return _COMPARISONS[self.comparison](value, self.threshold) if self.comparison in _COMPARISONS else False


class Alarms(Protocol):
    """The alarms of one deployment."""

    def watching(self, database: str) -> tuple[Alarm, ...]:
        """Return every alarm on a metric of this database, in order of name.

        Raises:
            VaultUnavailable: they cannot be looked at.
        """
        ...


def open_alarms(location: str) -> Alarms | None:
    """Return the alarms that watch the vault at `s3://bucket/prefix/`; None for a directory, which has none.

    Raises:
        ConfigError: the location names no vault.
        VaultUnavailable: the bucket's region cannot be found out.
    """
    bucket = bucket_of(location)
    if bucket is None:
        return None
    # Loading boto3 takes longer than a command on a directory runs.
    from sqlitevault.watch.aws_alarms import open_aws_alarms  # noqa: PLC0415

    return open_aws_alarms(bucket)
