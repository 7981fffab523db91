"""The functions' zip, built without Docker from the source and pinned wheels for the target platform."""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, IgnoreMode, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from sqlitevault.ground.stage import DeploymentSettings

SOURCE = Path(__file__).resolve().parents[1] / "lambdas"
_REQUIREMENTS = SOURCE / "requirements.txt"
_WHEELS = {"arm64": "aarch64-manylinux_2_34", "x86_64": "x86_64-manylinux_2_34"}
_PYTHON = "3.14"
_NOT_SHIPPED = ("__pycache__", "*.pyc", "*.egg-info", "requirements.*", "cli", "__main__.py")
# Not used at run time; more than a third of the zip.
_UNUSED = ("bin", "boto3/examples", "apsw/tests", "apsw/shell.py")


@jsii.implements(ILocalBundling)
class _Uv:
    """Installs with uv into CDK's output folder; CDK calls `try_bundle`."""

    def __init__(self, settings: DeploymentSettings) -> None:
        self._settings = settings

    def try_bundle(self, output_dir: str, *, image: Any = None, **_options: Any) -> bool:  # noqa: ANN401, ARG002
        bundle(Path(output_dir), self._settings)
        return True


def function_code(settings: DeploymentSettings) -> lambda_.Code:
    """Return the code that all functions share."""
    return lambda_.Code.from_asset(
        str(SOURCE),
        asset_hash=_asset_hash(settings),
        asset_hash_type=AssetHashType.CUSTOM,
        exclude=list(_NOT_SHIPPED),
        ignore_mode=IgnoreMode.GLOB,
        bundling=BundlingOptions(image=DockerImage.from_registry("not-used"), local=_Uv(settings)),
    )


def bundle(output: Path, settings: DeploymentSettings) -> None:
    """Fill the folder `output` with the content of the zip.

    Raises:
        CalledProcessError: a wheel for the platform is missing, or its hash differs.
    """
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-config"]
    command += ["--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode"]
    command += ["--target", str(output), "--requirement", str(_REQUIREMENTS), *_platform_options(settings)]
    subprocess.run(command, check=True, stdout=sys.stderr)
    for unused in _UNUSED:
        path = output / unused
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    shutil.copytree(SOURCE, output, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))


def _platform_options(settings: DeploymentSettings) -> list[str]:
    if settings.function_platform == "host":
        return ["--python", sys.executable]
    return ["--python-platform", _WHEELS[settings.architecture], "--python-version", _PYTHON]


def _asset_hash(settings: DeploymentSettings) -> str:
    digest = hashlib.sha256(" ".join(_platform_options(settings)).encode())
    digest.update(platform.python_version().encode() if settings.function_platform == "host" else b"")
    for path in sorted(_shipped()):
        digest.update(path.relative_to(SOURCE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _shipped() -> Iterator[Path]:
    for path in SOURCE.rglob("*"):
        parts = path.relative_to(SOURCE).parts
        if path.is_file() and "__pycache__" not in parts and not any(part.endswith(".egg-info") for part in parts):
            yield path
