"""What the alarms have to tell: of each promise the metric, and a value of it that must not be met with silence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlitevault.ground.facts import RPO_GRACE
from sqlitevault.watch.alarms import Alarm


@dataclass(frozen=True, slots=True)
class Promise:
    """A metric that needs an alarm. `broken_at`: at this value at the latest it must be loud.

    `silence_is_bad`: it must be loud as well when nobody measures any more.
    """

    metric: str
    broken_at: float
    silence_is_bad: bool = False


def promises(rpo_seconds: float, rto_seconds: float, *, replica: bool) -> tuple[Promise, ...]:
    """Return what is promised with these targets, with a replica or without."""
    grace = RPO_GRACE.total_seconds()
    own = (
        Promise("ProvenBackupAgeSeconds", rpo_seconds + grace, silence_is_bad=True),
        Promise("BackupFailed", 1),
        Promise("DrillFailed", 1),
        Promise("RecoverySeconds", rto_seconds),
        Promise("MissingTiers", 1),
        Promise("VaultDrift", 1),
    )
    copies = (
        Promise("ReplicaAgeSeconds", rpo_seconds + 2 * grace, silence_is_bad=True),
        Promise("ReplicationFailed", 1),
    )
    return own + copies if replica else own


def unheard(promised: Sequence[Promise], watching: Sequence[Alarm]) -> Iterator[str]:
    """Yield why a broken promise would stay unheard: its alarm is missing, or set so that it is never loud."""
    for promise in promised:
        alarms = [alarm for alarm in watching if alarm.metric == promise.metric]
        if not alarms:
            yield f"no alarm on {promise.metric}"
        elif not any(alarm.loud_at(promise.broken_at) for alarm in alarms):
            yield f"no alarm is loud when {promise.metric} is {promise.broken_at:g}"
        elif promise.silence_is_bad and not any(alarm.silence_is_bad for alarm in alarms):
            yield f"no alarm is loud when {promise.metric} is missing"
