"""The environment of a function: Lambda's variables and the deployed ones, and none of this machine's."""

import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from localaws.functions.facts import FunctionFacts


def function_environment(
    facts: FunctionFacts, *, task_root: Path, runtime: Path, scratch: Path, runtime_api: str, endpoint: str
) -> dict[str, str]:
    """Return the whole environment of one container.

    Simulation: an ordinary user cannot mount a file system. Instead, variables that begin with a mount path (or with
    /tmp) are rewritten to the directory that replaces it.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    """
    stream = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
    lambdas_own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": str(scratch),  # hides the user's ~/.aws from the function
        "TMPDIR": str(scratch),
        "PYTHONPATH": os.pathsep.join((str(task_root), str(runtime))),
        "LAMBDA_TASK_ROOT": str(task_root),
        "LAMBDA_RUNTIME_DIR": str(runtime),
        "_HANDLER": facts.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{facts.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": facts.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(facts.memory_mb),
        "AWS_LAMBDA_LOG_GROUP_NAME": facts.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "AWS_LAMBDA_LOG_FORMAT": facts.log_format,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": facts.access_key,
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    folders = {**facts.mounts, "/tmp": scratch}  # noqa: S108  (the function's /tmp, rewritten to a folder of its own)
    return {**_rewritten(facts.variables, folders), **lambdas_own}


def _rewritten(variables: Mapping[str, str], folders: Mapping[str, Path]) -> dict[str, str]:
    return {name: rewrite(value, folders) for name, value in variables.items()}


def rewrite(value: str, folders: Mapping[str, Path]) -> str:
    """Return `value` with a leading mount path replaced by its folder; other values as they are."""
    for mount, folder in folders.items():
        if value == mount or value.startswith(mount.rstrip("/") + "/"):
            return str(folder) + value[len(mount.rstrip("/")) :]
    return value
