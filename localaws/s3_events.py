"""Simulation of S3 events on EventBridge, and of EventBridge rules that invoke functions (moto's cannot).

Source of the event: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import moto.s3.notifications
from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser

from localaws.background import Background
from localaws.clients import ACCOUNT, Clients
from localaws.functions.asynchronous import send_to
from localaws.functions.moto_seam import FunctionSeam, find_function
from localaws.patching import replace

# moto reports an object before it has set its metadata; AWS's events arrive even later.
EVENT_DELAY_SECONDS = 0.2

REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
}
_sequence = itertools.count(time.time_ns())


def object_created(bucket: Any, key: Any, reason: str) -> dict[str, Any]:
    """Return S3's event for a new object; `bucket` and `key` are moto's."""
    written = {
        "key": key.name,
        "size": key.size,
        "etag": key.etag.replace('"', ""),
        "sequencer": f"{next(_sequence):018X}",
    }
    if bucket.is_versioned:
        written["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": written,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": ACCOUNT,
            "source-ip-address": "127.0.0.1",
            "reason": reason,
        },
    }


class EventRules:
    """Delivers events to the targets of the deployed rules."""

    def __init__(self, seam: FunctionSeam, background: Background, clients: Clients) -> None:
        """Keep what a delivery needs."""
        self._seam, self._background, self._clients = seam, background, clients

    def install(self) -> None:
        """Make moto's S3 and EventBridge deliver through this object."""

        def from_s3(_account: str, bucket: Any, event_name: Any, key: Any) -> None:
            self._object_event(bucket, str(event_name.value), key)

        def to_targets(original: Callable[..., None]) -> Callable[..., None]:
            def send_to_targets(rule: Rule, event: Any, transform_input: bool = True) -> None:  # noqa: ARG001
                self._deliver(rule, event, original)

            return send_to_targets

        replace(moto.s3.notifications, "_send_event_bridge_message", lambda _: from_s3)
        replace(Rule, "send_to_targets", to_targets)

    def _object_event(self, bucket: Any, event_name: str, key: Any) -> None:
        """Send `Object Created`; sqlitevault uses no other event of S3."""
        reason = REASONS.get(event_name)
        unfinished = reason == "PutObject" and key.multipart and getattr(key, "replication_status", "") != "REPLICA"
        if reason is not None and not unfinished:  # moto puts a multipart object before it completes it
            name = f"Object Created {bucket.name}/{key.name}"
            self._background.submit(name, lambda: self._emit(bucket, key, reason), delay=EVENT_DELAY_SECONDS)

    def _emit(self, bucket: Any, key: Any, reason: str) -> None:
        event: Any = object_created(bucket, key, reason)
        bus = events_backends[ACCOUNT][bucket.region_name].event_buses["default"]
        for rule in list(bus.rules.values()):
            rule.send_to_targets(event)

    def _deliver(self, rule: Rule, event: Any, original: Callable[..., None]) -> None:
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
            return
        targets = list(rule.targets)
        functions = [target for target in targets if target["Arn"].split(":")[2] == "lambda"]
        for target in functions:
            self._invoke(target, event)
        if len(functions) < len(targets):
            original(_with_targets(rule, [t for t in targets if t not in functions]), dict(event))

    def _invoke(self, target: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        payload = target_input(target, event)
        function = find_function(target["Arn"])
        if function is not None:
            self._seam.send(function, payload.encode(), trigger="event")
            return
        dead_letters = target.get("DeadLetterConfig", {}).get("Arn")
        if dead_letters is None:
            raise LookupError(f"a rule's target does not exist and has no dead-letter queue: {target['Arn']}")
        send_to(dead_letters, payload, self._clients, {"ERROR_CODE": "RESOURCE_NOT_FOUND", "TARGET_ARN": target["Arn"]})


def target_input(target: Mapping[str, Any], event: Any) -> str:
    """Return what the target receives: its fixed input, its transformed input, or the event itself, as JSON."""
    if "Input" in target:
        return str(target["Input"])
    transformer = target.get("InputTransformer")
    if transformer is None:
        return json.dumps(event)
    template, paths = transformer["InputTemplate"], transformer.get("InputPathsMap", {})
    made = EventTemplateParser.parse(input_template=template, input_paths_map=paths, event=event)
    return made if isinstance(made, str) else json.dumps(made)


def _with_targets(rule: Rule, targets: list[Any]) -> Rule:
    """Return a copy of the rule with only some of its targets, for moto's own delivery."""
    part: Rule = object.__new__(type(rule))
    part.__dict__.update(rule.__dict__, targets=targets)
    return part
