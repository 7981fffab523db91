"""A simulation of the Dockerfile: its steps, executed without a Docker engine in folders of this machine.

The simulation stands for the base image with this machine's Python, and for the image with the folder that the second
stage copies. It shows that the steps work and what they install, not that an engine accepts the file.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

from sqlitevault import __version__
from tests.databases import make_bank
from tests.install.commands import UV, run

pytestmark = pytest.mark.xdist_group("install")
Step = tuple[str, str]


def steps(text: str) -> list[Step]:
    """Return a Dockerfile's instructions with their arguments; every one here fits on a line."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def stages(clone: Path) -> tuple[list[Step], list[Step]]:
    """Return the steps of the build stage and those of the image."""
    read = steps((clone / "Dockerfile").read_text())
    (_, second) = (place for place, (name, _) in enumerate(read) if name == "FROM")
    return read[:second], read[second:]


@pytest.fixture(scope="session")
def installed(clone: Path) -> Path:
    """The folder that the build stage leaves at /opt/sqlitevault."""
    place = clone.parent / "image"
    base, build, made = place / "base", place / "build", place / "opt" / "sqlitevault"
    run(UV, "venv", "--quiet", "--seed", "--python", sys.executable, base, folder=clone)
    build.mkdir()
    for name, rest in stages(clone)[0]:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                copy(clone / source, build / target)
        elif name == "RUN":
            command = rest.replace("/opt/sqlitevault", str(made))
            run("sh", "-c", command, folder=build, PATH=f"{base / 'bin'}:{os.environ['PATH']}")
    return made


def copy(source: Path, target: Path) -> None:
    """Copy as `COPY` does: a folder's content, or a file into a folder."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def test_the_image_takes_a_proven_backup(installed: Path, clone: Path, tmp_path: Path) -> None:
    """The image's entry point, with the arguments of a CronJob, takes a proven backup."""
    image = dict(stages(clone)[1])
    assert image["COPY"] == "--from=build /opt/sqlitevault /opt/sqlitevault"
    assert image["ENV"] == "PATH=/opt/sqlitevault/bin:$PATH"
    assert image["ENTRYPOINT"] == '["sqlitevault"]'
    program = installed / "bin" / "sqlitevault"
    assert __version__ in run(program, "--version", folder=tmp_path)
    make_bank(tmp_path / "data" / "devops_hub.db")
    assert "restored and compared" in run(program, "backup", "--db-only", "--tier", "hourly", folder=tmp_path)


def test_the_image_carries_only_the_command_line(installed: Path) -> None:
    """The image lacks CDK, Powertools and pip; it is compiled, as a container's file system can be read-only."""
    (packages,) = installed.glob("lib/python*/site-packages")
    names = {path.name for path in packages.iterdir()}
    assert {"click", "sqlitevault"} <= names
    assert not {"aws_cdk", "aws_lambda_powertools", "pip", "setuptools", "uv"} & names
    assert list((packages / "sqlitevault" / "cli" / "__pycache__").glob("*.pyc"))


def test_the_image_runs_as_a_user_and_is_pinned(clone: Path) -> None:
    """The image does not run as root, and every downloaded package has a hash."""
    build, image = stages(clone)
    assert dict(image)["USER"] == "1000:1000"
    fetching = [rest for name, rest in build if name == "RUN" and " install " in rest and "--no-deps" not in rest]
    assert len(fetching) == 2
    assert all("--require-hashes" in command for command in fetching)


def test_the_build_context_has_the_copied_files(clone: Path) -> None:
    """.dockerignore admits exactly the files that COPY uses."""
    copied = {source for name, rest in stages(clone)[0] if name == "COPY" for source in rest.split()[:-1]}
    lines = (clone / ".dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == copied


def test_the_tag_is_the_version(clone: Path) -> None:
    """The comment and the CronJobs use the package's version as the image's tag."""
    for name in ("Dockerfile", "docs/schedules/cronjob.yaml"):
        assert f"sqlitevault:{__version__}" in (clone / name).read_text()
