"""The AWS command line, as an operator types it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from localaws.demo.world import PRIMARY, World

ROOT = Path(__file__).resolve().parents[2]
AWS = Path(sys.executable).with_name("aws")


def aws_lambda_invoke(world: World, verb: str, event: str, *, region: str = PRIMARY) -> tuple[str | None, Any]:
    """Run `aws lambda invoke --payload fileb://events/<event>`; return the function's error and its answer.

    Versions 1 and 2 of the command both read `fileb:` unchanged; version 2 would decode `file:` as base64.
    """
    answer = world.aws.state / "answer.json"
    command = [
        str(AWS), "lambda", "invoke", "--function-name", world.function(verb),
        "--payload", f"fileb://events/{event}", str(answer),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, env=world.aws.environment(region), capture_output=True, text=True, timeout=120, check=True
    )
    return json.loads(done.stdout).get("FunctionError"), json.loads(answer.read_text(encoding="utf-8"))
