"""A deployed function as the runner needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localaws.clients import ACCOUNT


@dataclass(frozen=True, slots=True)
class FunctionFacts:
    """A deployed function; the timeout is in seconds."""

    name: str
    region: str
    handler: str
    runtime: str = "python3.14"
    timeout: float = 3.0
    memory_mb: int = 128
    variables: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    log_group: str = ""
    log_format: str = "Text"
    access_key: str = "testing"

    @property
    def arn(self) -> str:
        """The function's unqualified ARN."""
        return f"arn:aws:lambda:{self.region}:{ACCOUNT}:function:{self.name}"
