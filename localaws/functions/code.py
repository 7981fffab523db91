"""Deployed code, unpacked once per hash, and the packages of the Lambda runtime."""

import importlib.util
import io
import os
import shutil
import zipfile
from pathlib import Path

# Packages of AWS's Python runtimes besides the interpreter; everything else must be in the zip.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
RUNTIME_PACKAGES = (
    "awslambdaric",
    "runtime_client",
    "simplejson",
    "snapshot_restore_py",
    "boto3",
    "botocore",
    "s3transfer",
    "jmespath",
    "dateutil",
    "urllib3",
    "six",
)


def unpack_once(code: bytes, sha256: str, into: Path) -> Path:
    """Return the folder with the zip's content; unpacked by the first caller, reused by all others."""
    folder = into / sha256.replace("/", "_").replace("+", "-").rstrip("=")
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        archive.extractall(unfinished)
    unfinished.rename(folder)
    return folder


def runtime_packages(into: Path) -> Path:
    """Return a folder with nothing but the packages of the Lambda runtime, linked from this environment.

    The function sees this folder and its own zip, not our virtual environment: a package missing in the zip is
    missing here, as it would be on AWS.
    """
    into.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = into / source.name
        if not link.exists():
            link.symlink_to(source)
    return into
