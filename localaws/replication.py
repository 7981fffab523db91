"""Simulation of S3 replication between regions: moto stores the rules but copies nothing.

As on S3, an object under an enabled rule is PENDING, then COMPLETED or FAILED, and its copy is a REPLICA with the
same version id, metadata, tags and checksums. Delete markers follow if the rule says so; versions deleted by id never
do. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-what-is-isnot-replicated.html
"""

import copy
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import moto.s3.notifications
from moto.s3.models import FakeKey, S3Backend, s3_backends

from localaws.background import Background
from localaws.clients import ACCOUNT
from localaws.metrics import Datum, put
from localaws.patching import replace

Mode = Literal["run", "hold", "fail"]
DELAY_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Pending:
    """A version waiting to be copied; `since` is in seconds since the epoch."""

    bucket: Any
    key: Any
    rule: Mapping[str, Any]
    since: float


class Replication:
    """Copies new versions into the destination of their rule, unless it is set to hold or to fail."""

    def __init__(self, background: Background) -> None:
        """Start running, with a small delay."""
        self.mode: Mode = "run"
        self.failed: list[str] = []
        self._background = background
        self._held: list[Pending] = []
        self._lock = threading.Lock()

    def install(self) -> None:
        """Watch for new objects and delete markers, and show the status where S3 shows it."""

        def also_queue(original: Callable[..., None]) -> Callable[..., None]:
            def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
                if event_name.value.startswith("s3:ObjectCreated:"):
                    self._queue(bucket, key)
                original(account_id, event_name, bucket, key)

            return send_event

        replace(moto.s3.notifications, "send_event", also_queue)
        replace(S3Backend, "delete_object", _copying_delete_markers)
        replace(FakeKey, "response_dict", _showing_status)

    def switch(self, mode: Mode) -> None:
        """Run, hold all new versions, or fail them; running again copies the held ones."""
        with self._lock:
            self.mode = mode
            released, self._held = (self._held, []) if mode != "hold" else ([], self._held)
        for pending in released:
            self._soon(pending)

    @property
    def waiting(self) -> list[str]:
        """The objects that are held, as `bucket/key`."""
        with self._lock:
            return [f"{pending.bucket.name}/{pending.key.name}" for pending in self._held]

    def emit_metrics(self, now: datetime) -> None:
        """Store S3's present replication metrics in CloudWatch.

        Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-metrics.html
        """
        with self._lock:
            held = list(self._held)
        for bucket in list(s3_backends[ACCOUNT]["aws"].buckets.values()):
            for rule in rules_of(bucket):
                own = [p for p in held if p.bucket is bucket and p.rule.get("ID") == rule.get("ID")]
                put(bucket.region_name, _rule_metrics(bucket, rule, own, now))

    def _queue(self, bucket: Any, key: Any) -> None:
        rule = matching_rule(bucket, key.name)
        if rule is None or getattr(key, "replication_status", None):
            return
        key.replication_status = "PENDING"
        pending = Pending(bucket, key, rule, time.time())
        with self._lock:
            if self.mode == "hold":
                self._held.append(pending)
                return
        self._soon(pending)

    def _soon(self, pending: Pending) -> None:
        name = f"replication of {pending.bucket.name}/{pending.key.name}"
        self._background.submit(name, lambda: self._replicate(pending), delay=DELAY_SECONDS)

    def _replicate(self, pending: Pending) -> None:
        with self._lock:
            if self.mode == "hold":
                self._held.append(pending)
                return
        destination = s3_backends[ACCOUNT]["aws"].buckets.get(destination_of(pending.rule))
        if self.mode == "fail" or destination is None or not destination.is_versioned:
            pending.key.replication_status = "FAILED"
            self.failed.append(f"{pending.bucket.name}/{pending.key.name}")
            failed = _metric(pending.bucket, pending.rule, "OperationsFailedReplication", 1, datetime.now(UTC))
            put(pending.bucket.region_name, [failed])
            return
        copy_version(pending.key, pending.rule, destination)
        pending.key.replication_status = "COMPLETED"
        seconds = time.time() - pending.since
        latency = _metric(pending.bucket, pending.rule, "ReplicationLatency", seconds, datetime.now(UTC))
        put(pending.bucket.region_name, [latency])


def rules_of(bucket: Any) -> list[Mapping[str, Any]]:
    """Return the bucket's enabled replication rules."""
    configuration = getattr(bucket, "replication", None) or {}
    rules = configuration.get("Rule", [])
    rules = rules if isinstance(rules, list) else [rules]
    return [rule for rule in rules if rule.get("Status") == "Enabled"]


def matching_rule(bucket: Any, key_name: str) -> Mapping[str, Any] | None:
    """Return the rule whose prefix covers the key, or None."""
    for rule in rules_of(bucket):
        selected = rule.get("Filter") or {}
        prefix = rule.get("Prefix") or (selected.get("Prefix") if isinstance(selected, Mapping) else None) or ""
        if key_name.startswith(prefix):
            return rule
    return None


def destination_of(rule: Mapping[str, Any]) -> str:
    """Return the name of the rule's destination bucket."""
    return str(rule["Destination"]["Bucket"]).rsplit(":", 1)[-1]


def copy_version(key: Any, rule: Mapping[str, Any], destination: Any) -> None:
    """Add a copy of moto's object to the destination, as a replica with the same version id."""
    replica = copy.copy(key)
    replica.replication_status = "REPLICA"
    replica.bucket_name = destination.name
    replica.region_name = destination.region_name
    replica._storage_class = rule["Destination"].get("StorageClass", key._storage_class)
    replica.kms_key_id = rule["Destination"].get("EncryptionConfiguration", {}).get("ReplicaKmsKeyID", key.kms_key_id)
    replica.lock = threading.Lock()
    replica._metadata = copy.copy(key._metadata)
    replica._value_buffer = tempfile.SpooledTemporaryFile(replica._max_buffer_size)  # noqa: SIM115
    replica.value = key.value
    others = [one for one in destination.keys.getlist(key.name, []) if one.version_id != key.version_id]
    destination.keys.setlist(key.name, [*others, replica])
    backend = s3_backends[ACCOUNT]["aws"]
    backend.tagger.copy_tags(key.arn, replica.arn)
    moto.s3.notifications.send_event(
        ACCOUNT, moto.s3.notifications.S3NotificationEvent.OBJECT_CREATED_PUT_EVENT, destination, replica
    )


def _copying_delete_markers(original: Callable[..., Any]) -> Callable[..., Any]:
    def delete_object(
        backend: Any, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> Any:
        answer = original(backend, bucket_name, key_name, version_id, bypass)
        bucket = backend.get_bucket(bucket_name)
        rule = matching_rule(bucket, key_name) if version_id is None and bucket.is_versioned else None
        if rule and (rule.get("DeleteMarkerReplication") or {}).get("Status") == "Enabled":
            original(backend, destination_of(rule), key_name)
        return answer

    return delete_object


def _showing_status(original: Any) -> property:
    def response_dict(key: Any) -> dict[str, Any]:
        status = getattr(key, "replication_status", None)
        shown: dict[str, Any] = original.fget(key)
        return {**shown, "x-amz-replication-status": status} if status else shown

    return property(response_dict)


def _rule_metrics(bucket: Any, rule: Mapping[str, Any], held: list[Pending], now: datetime) -> list[Datum]:
    oldest = max((now.timestamp() - pending.since for pending in held), default=0.0)
    data = [
        _metric(bucket, rule, "OperationsPendingReplication", len(held), now),
        _metric(bucket, rule, "BytesPendingReplication", sum(pending.key.size for pending in held), now),
    ]
    return [*data, _metric(bucket, rule, "ReplicationLatency", oldest, now)] if held else data


def _metric(bucket: Any, rule: Mapping[str, Any], name: str, value: float, at: datetime) -> Datum:
    dimensions = {
        "SourceBucket": bucket.name,
        "DestinationBucket": destination_of(rule),
        "RuleId": str(rule.get("ID", "")),
    }
    unit = "Seconds" if name == "ReplicationLatency" else "Bytes" if name.startswith("Bytes") else "Count"
    return Datum("AWS/S3", name, dimensions, (value,), unit, at)
