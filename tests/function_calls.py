"""The functions as Lambda calls them, run in this process: sample events in; reports, metrics and errors out."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localaws.emf import parse_lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EVENTS = Path(__file__).parents[1] / "events"
VAULT, REPLICA = (f"sqlitevault-prod-111122223333-{region}" for region in ("us-east-1", "us-west-2"))


REQUEST = "8d4f1c3e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context that the functions use."""

    function_name: str
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:test"
    aws_request_id: str = REQUEST

    def get_remaining_time_in_millis(self) -> int:
        """Return the function's remaining time."""
        return 900_000


@dataclass(frozen=True)
class Home:
    """The environment of the functions: the application's database, the two buckets, and the functions."""

    root: Path
    database: Path
    s3: "S3Client"
    printed: Callable[[], str]

    def invoke(self, verb: str, event: str | dict[str, Any]) -> Any:
        """Call a function with an event, or a sample event by name, and return the answer that Lambda would return."""
        order = json.loads((EVENTS / f"{event}.json").read_text()) if isinstance(event, str) else event
        handler = import_module(f"{verb}.handler").handler
        return json.loads(json.dumps(handler(order, Context(f"sqlitevault-prod-{verb}"))))

    def metrics(self) -> dict[str, float]:
        """Return the metrics printed since the last call, by name, and check their namespace and dimensions."""
        found = parse_lines(self.printed().splitlines())
        for datum in found:
            assert (datum.namespace, datum.dimensions) == ("SqliteVault", {"Database": "devops_hub"})
            assert len(datum.values) == 1
        return {datum.name: datum.values[0] for datum in found}

    def logged(self) -> list[dict[str, Any]]:
        """Return the log lines printed since the last call."""
        lines = [json.loads(line) for line in self.printed().splitlines() if line.startswith("{")]
        return [line for line in lines if "_aws" not in line]

    def names(self, suffix: str = "") -> list[str]:
        """Return the keys in the vault that end with `suffix`."""
        listed = self.s3.list_objects_v2(Bucket=VAULT).get("Contents", [])
        return [entry["Key"] for entry in listed if entry["Key"].endswith(suffix)]

    def page(self) -> str:
        """Return the page that drill and monitor write to the vault."""
        body: bytes = self.s3.get_object(Bucket=VAULT, Key="backups/reports/report.html")["Body"].read()
        return body.decode()

    def damage(self, archive: str) -> None:
        """Flip one bit of an archive in the vault."""
        key = f"backups/{archive}"
        body = bytearray(self.s3.get_object(Bucket=VAULT, Key=key)["Body"].read())
        body[len(body) // 2] ^= 1
        self.s3.put_object(Bucket=VAULT, Key=key, Body=bytes(body))

    def upload(self, content: bytes) -> dict[str, Any]:
        """Upload a database to the inbox and return S3's event about it."""
        event: dict[str, Any] = json.loads((EVENTS / "ingest-object-created.json").read_text())
        key = event["detail"]["object"]["key"]
        stored = self.s3.put_object(Bucket=VAULT, Key=key, Body=content)
        event["detail"]["object"] |= {"version-id": stored["VersionId"], "size": len(content)}
        return event
