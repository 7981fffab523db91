"""Tests of the manifest: round trip and refusals."""

import json
from datetime import UTC, datetime

import pytest

from sqlitevault.catalog.manifest import Manifest, Scope, Source, Table, Tool
from sqlitevault.catalog.names import backup_id
from sqlitevault.ground.errors import ManifestInvalid
from sqlitevault.ground.facts import Tier

WHEN = datetime(2026, 1, 31, 2, 0, 0, tzinfo=UTC)


def manifest() -> Manifest:
    """Make a manifest of a backup without files."""
    return Manifest(
        backup_id=backup_id("devops_hub", WHEN),
        created_at=WHEN,
        tier=Tier.DAILY,
        scope=Scope.DATABASE,
        source=Source(name="devops_hub", path="/data/devops_hub.db", host="app"),
        tables=(Table(name="agents", rows=3, digest="00"), Table(name="events", rows=4, digest="11")),
        files=(),
        tool=Tool(version="1.0.0"),
    )


def test_a_written_manifest_is_read_back_unchanged() -> None:
    """JSON keeps every field, and times are RFC 3339 in UTC."""
    written = manifest().to_json()
    assert Manifest.from_json(written) == manifest()
    assert json.loads(written)["created_at"] == "2026-01-31T02:00:00Z"


def test_rows_are_the_total_of_all_tables() -> None:
    """`rows` is the total over all tables, as `list` shows it."""
    assert manifest().rows == 7


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("format", 0),
        ("backup_id", "../../etc"),
        ("created_at", "yesterday"),
        ("created_at", "2026-01-31T02:00:00"),
        ("tier", "yearly"),
        ("files", [{"path": "x", "bytes": -1, "sha256": "0" * 64}]),
        ("files", [{"path": "x", "bytes": 1, "sha256": "xyz"}]),
        ("tables", "many"),
        ("source", None),
    ],
)
def test_wrong_fields_are_refused(field: str, value: object) -> None:
    """A manifest with a wrong field is refused."""
    document = json.loads(manifest().to_json())
    document[field] = value
    with pytest.raises(ManifestInvalid):
        Manifest.from_json(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b"null", b"{" * 100_000])
def test_other_documents_are_refused(content: bytes) -> None:
    """Any content that is not a manifest raises ManifestInvalid."""
    with pytest.raises(ManifestInvalid):
        Manifest.from_json(content)


def test_a_newer_format_is_reported_as_newer() -> None:
    """The error for a newer format says that the tool is too old, not that the backup is damaged."""
    document = json.loads(manifest().to_json()) | {"format": 7}
    with pytest.raises(ManifestInvalid, match="format 7") as caught:
        Manifest.from_json(json.dumps(document).encode())
    assert "newer version" in caught.value.hint


def test_unknown_fields_are_ignored() -> None:
    """Unknown fields are ignored, because a later version may add one within the same format."""
    document = json.loads(manifest().to_json()) | {"mood": "good"}
    assert Manifest.from_json(json.dumps(document).encode()) == manifest()
