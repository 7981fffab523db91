"""The functions' zip: it contains the handlers and their dependencies, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from sqlitevault.ground.stage import DeploymentSettings

VERBS = ["backup", "ingest", "restore", "drill", "monitor"]
LAMBDAS_LIMIT = 250 * 2**20
# `-S` excludes this environment's packages: modules come from the bundle or from Python itself.
IMPORT = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
handler = importlib.import_module(f"{sys.argv[2]}.handler").handler
assert callable(handler)
outside = sorted(
    name for name, module in sys.modules.items()
    if getattr(module, "__file__", None) and not module.__file__.startswith((sys.argv[1], *sys.argv[3:]))
)
assert outside == [], outside
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle for this machine."""
    from infra.bundling import bundle

    made = tmp_path_factory.mktemp("bundle") / "zip"
    bundle(made, DeploymentSettings(function_platform="host"))
    return made


@pytest.mark.parametrize("verb", VERBS)
def test_a_handler_needs_only_the_bundle(folder: Path, verb: str) -> None:
    """A handler can be imported from the bundle with only Python's standard library and no environment variables."""
    library = Path(subprocess.__file__).parent
    command = [sys.executable, "-I", "-S", "-B", "-c", IMPORT, str(folder), verb, str(library)]
    ended = subprocess.run(command, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_the_bundle_contains_only_what_the_functions_need(folder: Path) -> None:
    """The bundle has no command line, compiled files, requirements files or scripts."""
    assert not (folder / "sqlitevault" / "cli").exists()
    assert not (folder / "sqlitevault" / "__main__.py").exists()
    assert not (folder / "bin").exists()
    page = folder / "sqlitevault" / "watch" / "page"
    assert (page / "page.html.j2").is_file()
    assert (page / "page.css").is_file()
    assert [
        path for path in folder.rglob("*") if path.name in ("__pycache__", "requirements.txt", "requirements.in")
    ] == []
    assert {path.name for path in folder.glob("*/handler.py")} == {"handler.py"}
    assert sorted(path.parent.name for path in folder.glob("*/handler.py")) == sorted(VERBS)


def test_the_pinned_packages_are_installed(folder: Path) -> None:
    """The bundle has the functions' packages, and none of the command line or of development."""
    installed = {path.name.partition("-")[0] for path in folder.glob("*.dist-info")}
    assert installed >= {"apsw", "boto3", "aws_lambda_powertools", "pydantic", "isal", "pyyaml"}
    assert not installed & {"click", "rich", "aws_cdk_lib", "moto", "pytest"}


def test_it_fits_into_lambda(folder: Path) -> None:
    """The unzipped bundle uses less than half of Lambda's 250 MB."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size < LAMBDAS_LIMIT / 2
