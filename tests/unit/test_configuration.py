"""Tests of configuration files: collection, restore, and variables that a restored machine lacks."""

import os
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlitevault.configuration.collecting import LARGEST_FILE, MOST_FILES, Collected, collect
from sqlitevault.configuration.variables import missing_variables, parse
from sqlitevault.profiles import load_profile

PROFILE = load_profile("devops_hub")
FILES = {
    "docker-compose.yml": "services: {}\n",
    "docker-compose.prod.yml": "services: {}  # production\n",
    "k8s/namespace.yaml": "kind: Namespace\n",
    "k8s/base/deployment.yml": "kind: Deployment\n",
    "frontend/nginx.conf": "server { listen 80; }\n",
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    ".env.example": "PORT=8100\n",
}


def project(root: Path, files: dict[str, str]) -> Path:
    """Write files below a root."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def collected(tmp_path: Path, files: dict[str, str]) -> tuple[dict[str, str], Collected]:
    """Collect these files and return the staged files by member path."""
    root = project(tmp_path / "root", files)
    staging = tmp_path / "staging"
    staging.mkdir()
    result = collect(root, PROFILE.configuration, staging)
    return {path: copy.read_text() for path, copy in result.members.items()}, result


def test_the_known_files_are_collected_unchanged(tmp_path: Path) -> None:
    """The known configuration files without secrets are collected unchanged, and no others."""
    others = {"README.md": "x", "app/main.py": "x", "k8s/notes.txt": "x", "config.yml": "a: 1\n"}
    found, result = collected(tmp_path, FILES | others)
    assert found == {f"config/{path}": text for path, text in FILES.items()}
    assert result.omitted == {}


def test_missing_files_are_not_collected(tmp_path: Path) -> None:
    """Any file may be missing, even the folder itself."""
    (tmp_path / "staging").mkdir()
    assert collect(tmp_path / "none", PROFILE.configuration, tmp_path / "staging") == Collected({}, {})


def test_only_the_names_of_env_are_kept(tmp_path: Path) -> None:
    """Comments, exports, quotes over several lines and keys are parsed, so that no value is taken as a name."""
    env = (
        "# FOO=comment\n\nexport PORT=8100\nSECRET_KEY=\"first\nINSIDE=second\n\"\nSINGLE='a\nALSO_INSIDE=b'\n"
        "KEY=-----BEGIN KEY-----\nMIIabcDEF=\n-----END KEY-----\nCONTINUED=a\\\nTAIL=b\nno assignment\n"
        'ESCAPED="a\\"\nNOT=x"\nTRIPLE="""a\nNEITHER=b"""\n  LAST = value # comment\nPORT=again\nEMPTY=\n'
    )
    found, _ = collected(tmp_path, {".env": env})
    names = ["PORT", "SECRET_KEY", "SINGLE", "KEY", "CONTINUED", "ESCAPED", "TRIPLE", "LAST", "EMPTY"]
    assert found == {"config/env_structure.txt": "".join(f"{name}\n" for name in names)}


@pytest.mark.parametrize("end", ['TOKEN="open\nHIDDEN=x\n', "TOKEN='open\nHIDDEN=x\n", "KEY=-----BEGIN X-----\nabc=\n"])
def test_an_env_with_an_open_quote_is_left_out(tmp_path: Path, end: str) -> None:
    """If a quoted value has no end, its lines could be taken as names, so no names are kept."""
    found, result = collected(tmp_path, {".env": "PORT=1\n" + end})
    assert found == {}
    assert [(path, "line 2" in reason) for path, reason in result.omitted.items()] == [(".env", True)]


NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\x00'), max_size=40)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_no_part_of_a_quoted_value_is_taken_as_a_name(variables: dict[str, str]) -> None:
    """For any values, exactly the written names are parsed."""
    env = "".join(f'{name}="{value}"\n' for name, value in variables.items())
    assert missing_variables("".join(f"{name}\n" for name in variables), env) == ()
    assert missing_variables("".join(f"{name}\n" for name in variables), "") == tuple(variables)
    assert list(dict.fromkeys(variable.name for variable in parse(env))) == list(variables)


def test_missing_variables_are_named_in_order() -> None:
    """The names that a restored machine's .env lacks are reported in order, without values."""
    names = "PORT\nSECRET_KEY\nDATABASE_URL\n"
    assert missing_variables(names, "export SECRET_KEY=x\nOTHER=1\n") == ("PORT", "DATABASE_URL")
    assert missing_variables(names, None) == ("PORT", "SECRET_KEY", "DATABASE_URL")
    assert missing_variables("", "PORT=1") == ()


def test_values_in_the_original_scripts_list_are_ignored() -> None:
    """The original script's list also contains values; only the names are used."""
    assert missing_variables("PORT=8100\nLOG_LEVEL=INFO\n# note\n", "PORT=1\n") == ("LOG_LEVEL",)


def test_variables_before_an_open_quote_are_present() -> None:
    """Variables before an open quote in the present .env are not reported as missing."""
    assert missing_variables("A\nB\n", 'A=1\nX="open\nB=2\n') == ("B",)


@pytest.mark.parametrize("path", FILES)
def test_each_file_is_restored_to_its_place(path: str) -> None:
    """Each file is restored to the path below CONFIG_ROOT from which it was collected."""
    assert PROFILE.original_path(path) == PurePosixPath(path)


def test_the_original_scripts_nginx_conf_is_restored() -> None:
    """The original script's nginx.conf, stored without its folder, is restored to that folder."""
    assert PROFILE.original_path("nginx.conf") == PurePosixPath("frontend/nginx.conf")


@pytest.mark.parametrize(
    "path",
    [
        "env_structure.txt",
        ".env",
        "",
        "app/main.py",
        "k8s/../../evil.yaml",
        "k8s/./x.yaml",
        "k8s//x.yaml",
        "/k8s/x.yaml",
        "docker-compose/x.yml",
        "../docker-compose.yml",
        "scripts/backup.sh",
        "devops_hub.db",
    ],
)
def test_other_files_are_never_restored(path: str) -> None:
    """An archive cannot restore .env, a program, or a path outside the known places."""
    assert PROFILE.original_path(path) is None


def test_collected_files_can_be_restored(tmp_path: Path) -> None:
    """Every path that can be collected can be restored."""
    found, _ = collected(tmp_path, FILES)
    assert {str(PROFILE.original_path(member.removeprefix("config/"))) for member in found} == set(FILES)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    """Links are not followed, because one could put any file of the machine into an archive."""
    root = project(tmp_path / "root", {"docker-compose.yml": "a: 1\n", ".env": "SECRET_KEY=hunter2hunter2\n"})
    outside = project(tmp_path / "outside", {"x.yaml": "a: 1\n"})
    (root / "k8s").symlink_to(outside)
    (root / "alembic.ini").symlink_to("/etc/passwd")
    (root / "docker-compose.dev.yml").symlink_to(".env")
    (root / "docker-compose.loop.yml").symlink_to("docker-compose.loop.yml")
    (root / "docker-compose.gone.yml").symlink_to("gone.yml")
    (root / "docker-compose.same.yml").symlink_to("docker-compose.yml")
    (tmp_path / "staging").mkdir()
    result = collect(root, PROFILE.configuration, tmp_path / "staging")
    paths = set(result.members)
    assert paths == {"config/docker-compose.yml", "config/docker-compose.same.yml", "config/env_structure.txt"}
    assert {"alembic.ini", "docker-compose.dev.yml"} <= result.omitted.keys()


def test_files_that_are_not_readable_text_are_left_out(tmp_path: Path) -> None:
    """Folders, pipes, binaries and huge files are reported; they do not block or fail a backup."""
    root = project(tmp_path / "root", {"docker-compose.huge.yml": "#" * (LARGEST_FILE + 1)})
    (root / "alembic.ini").mkdir()
    os.mkfifo(root / "docker-compose.pipe.yml")
    (root / ".env.example").write_bytes(b"\xff\xfe\x00")
    (root / "docker-compose.odd\n.yml").write_text("a: 1\n")
    (tmp_path / "staging").mkdir()
    result = collect(root, PROFILE.configuration, tmp_path / "staging")
    assert result.members == {}
    assert len(result.omitted) == 5
    assert all("\n" not in path + reason for path, reason in result.omitted.items())


def test_the_number_of_files_is_limited(tmp_path: Path) -> None:
    """Files beyond the limit are left out and reported."""
    found, result = collected(tmp_path, {f"k8s/{number:05}.yaml": "a: 1\n" for number in range(MOST_FILES + 1)})
    assert len(found) == MOST_FILES
    assert list(result.omitted) == [f"k8s/{MOST_FILES:05}.yaml"]


def test_a_secret_of_env_in_another_file_keeps_that_file_out(tmp_path: Path) -> None:
    """Other files are searched for the secrets of .env, even under names that do not look secret."""
    files = {".env": "SECRET_KEY=hunter2-hunter2\n", "alembic.ini": "[x]\nplain = hunter2-hunter2\n"}
    found, result = collected(tmp_path, files)
    assert found == {"config/env_structure.txt": "SECRET_KEY\n"}
    assert list(result.omitted) == ["alembic.ini"]
    assert "hunter2" not in repr(result)


def test_a_secret_of_a_manifest_in_another_file_keeps_that_file_out(tmp_path: Path) -> None:
    """The same holds for values of a Secret, even if only one of the files has them in base64."""
    files = {
        "k8s/secret.yaml": "kind: Secret\ndata:\n  password: aHVudGVyMi1odW50ZXIy\n",
        "docker-compose.yml": "services: {a: {labels: [hunter2-hunter2]}}\n",
    }
    found, result = collected(tmp_path, files)
    assert list(found) == ["config/k8s/secret.yaml"]
    assert list(result.omitted) == ["docker-compose.yml"]


def test_an_ordinary_word_as_password_excludes_no_file(tmp_path: Path) -> None:
    """`postgres` as a development password does not exclude a file that names the image `postgres`."""
    compose = "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: postgres\n"
    found, result = collected(tmp_path, {"docker-compose.yml": compose, ".env": "POSTGRES_PASSWORD=postgres\n"})
    assert "image: postgres:16" in found["config/docker-compose.yml"]
    assert "PASSWORD: postgres" not in found["config/docker-compose.yml"]
    assert result.omitted == {}


def test_copies_are_private(tmp_path: Path) -> None:
    """Other users of the machine cannot read the staged copies."""
    _, result = collected(tmp_path, FILES)
    assert {copy.stat().st_mode & 0o777 for copy in result.members.values()} == {0o600}
