"""Tests of the functions' events: every sample is valid, and every mistake in an event is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from sqlitevault.catalog.manifest import Scope
from sqlitevault.functions.events import BackupEvent, DrillEvent, MonitorEvent, RestoreEvent, StoredEvent
from sqlitevault.ground.errors import ConfigError
from sqlitevault.ground.facts import Tier

SAMPLES = sorted((Path(__file__).parents[2] / "events").glob("*.json"))
# The first matching prefix decides.
MODELS: dict[str, type[BackupEvent | DrillEvent | MonitorEvent | RestoreEvent | StoredEvent]] = {
    "backup-": BackupEvent,
    "doctor": BackupEvent,
    "ingest-": StoredEvent,
    "drill-manifest-": StoredEvent,
    "drill-": DrillEvent,
    "monitor": MonitorEvent,
    "restore-": RestoreEvent,
}


def sample(name: str) -> Any:
    """Return a sample event as a new object."""
    return json.loads(next(path for path in SAMPLES if path.stem == name).read_text())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_valid(path: Path) -> None:
    """Each sample file is a valid event of the function in its name."""
    model = next(model for prefix, model in MODELS.items() if path.stem.startswith(prefix))
    model.parse(json.loads(path.read_text()))


def test_every_function_has_a_sample() -> None:
    """Samples cover each function, each action of a restore and each tier."""
    assert {path.stem.partition("-")[0] for path in SAMPLES} == {
        "backup", "doctor", "ingest", "drill", "monitor", "restore",
    }  # fmt: skip
    moves = {json.loads(path.read_text())["action"] for path in SAMPLES if path.stem.startswith("restore-")}
    assert moves == {"plan", "stage", "promote", "undo"}
    tiers = {BackupEvent.parse(json.loads(p.read_text())).tier for p in SAMPLES if p.stem.startswith("backup-")}
    assert tiers == set(Tier)


def test_an_empty_event_is_a_manual_backup_of_everything() -> None:
    """An empty event, as from `aws lambda invoke` without a payload, is a manual backup of everything."""
    order = BackupEvent.parse({})
    assert (order.tier, order.scope, order.scheduled_time) == (Tier.MANUAL, Scope.ALL, None)


def test_an_upload_event_has_object_version_and_time() -> None:
    """An upload event gives the bucket, key, version and time of the upload."""
    stored = StoredEvent.parse(sample("ingest-object-created"))
    assert stored.bucket == "sqlitevault-prod-111122223333-us-east-1"
    assert stored.key == "inbox/devops_hub.db"
    assert stored.version == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    assert stored.time.isoformat() == "2026-01-31T09:30:00+00:00"


def test_a_bucket_without_versions_sends_no_version() -> None:
    """An upload event without a version is accepted, because the field is optional in S3's event."""
    event = sample("ingest-object-created")
    del event["detail"]["object"]["version-id"]
    assert StoredEvent.parse(event).version is None


@pytest.mark.parametrize(
    ("model", "event", "named"),
    [
        pytest.param(BackupEvent, {"tier": "yearly"}, ["tier"], id="unknown tier"),
        pytest.param(BackupEvent, {"scope": "everything"}, ["scope"], id="unknown scope"),
        pytest.param(BackupEvent, {"teir": "hourly", "dry_run": True}, ["teir", "dry_run"], id="unknown fields"),
        pytest.param(BackupEvent, {"scheduled_time": "2026-01-31T02:05:00"}, ["scheduled_time"], id="naive time"),
        pytest.param(BackupEvent, {"scheduled_time": "tomorrow"}, ["scheduled_time"], id="not a time"),
        pytest.param(BackupEvent, {"scheduled_time": "2999-01-31T02:05:00Z"}, ["scheduled_time"], id="in the future"),
        pytest.param(BackupEvent, {"tier": 1, "scope": [], "x": 0}, ["tier", "scope", "x"], id="every mistake"),
        pytest.param(BackupEvent, [], ["event"], id="a list"),
        pytest.param(BackupEvent, "hourly", ["event"], id="a word"),
        pytest.param(BackupEvent, None, ["event"], id="nothing"),
        pytest.param(BackupEvent, {"action": "examine"}, ["action"], id="unknown action"),
        pytest.param(BackupEvent, {"action": "doctor", "tier": "daily"}, ["event"], id="doctor with a tier"),
        pytest.param(BackupEvent, {"hold_seconds": 9}, ["event"], id="backup that holds a lock"),
        pytest.param(BackupEvent, {"action": "doctor", "hold_seconds": 601}, ["hold_seconds"], id="too long a hold"),
        pytest.param(RestoreEvent, {}, ["action"], id="restore without an action"),
        pytest.param(RestoreEvent, {"action": "delete"}, ["action"], id="unknown action"),
        pytest.param(RestoreEvent, {"action": "stage", "at": "2026-01-31T14:30"}, ["at"], id="naive at"),
        pytest.param(
            RestoreEvent, {"action": "stage", "backup": 7, "force": "perhaps"}, ["backup", "force"], id="types"
        ),
        pytest.param(DrillEvent, {"backup": None}, ["backup"], id="drill without a backup"),
        pytest.param(MonitorEvent, "now", ["event"], id="monitor with a word"),
        pytest.param(
            StoredEvent, {"Records": []}, ["detail.object.key", "source", "time"], id="S3's other event format"
        ),
        pytest.param(StoredEvent, 5, ["event"], id="a number instead of an S3 event"),
    ],
)
def test_an_invalid_event_is_refused(
    model: type[BackupEvent | DrillEvent | MonitorEvent | RestoreEvent | StoredEvent], event: object, named: list[str]
) -> None:
    """An invalid event raises one ConfigError that names every mistake and has a hint."""
    with pytest.raises(ConfigError) as caught:
        model.parse(event)
    for name in named:
        assert f"{name}: " in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param({"detail-type": "Object Deleted"}, "detail-type", id="a deletion"),
        pytest.param({"source": "aws.glacier"}, "source", id="another source"),
        pytest.param({"time": "2026-01-31T09:30:00"}, "time", id="naive time"),
        pytest.param({"detail": {}}, "detail.object.key", id="no object"),
    ],
)
def test_other_s3_events_are_refused(change: dict[str, object], named: str) -> None:
    """An S3 event other than a created object is refused, in case the rule was widened by hand."""
    with pytest.raises(ConfigError, match=f"{named}: "):
        StoredEvent.parse(sample("ingest-object-created") | change)


def test_an_object_without_a_name_is_refused() -> None:
    """An event with an empty key is refused."""
    event = sample("drill-manifest-created")
    event["detail"]["object"]["key"] = ""
    with pytest.raises(ConfigError, match="key: "):
        StoredEvent.parse(event)
