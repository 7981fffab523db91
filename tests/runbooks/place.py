"""A machine for following runbooks: a shell, the running application and its database."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlitevault.catalog.manifest import Manifest
from sqlitevault.database.checks import check
from sqlitevault.database.content import read_tables
from tests.cli.command import environment
from tests.runbooks import orchestrator
from tests.runbooks.pages import Followed, follow

_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """Commands run in `folder`; `stand_in` contains the stand-ins of `docker` and `kubectl` and their calls."""

    folder: Path
    stand_in: Path
    settings: Mapping[str, str]

    def follow(
        self, page: str, variant: str, yours: Mapping[str, str] | None = None, *, settings_first: bool = False
    ) -> Followed:
        """Follow a page in this place, with `settings_first` after the README's common settings."""
        path = f"{self.stand_in / 'bin'}:{Path(sys.executable).parent}"
        shell = environment(
            {
                "STAND_IN": str(self.stand_in),
                "HUB": f"http://127.0.0.1:{(self.stand_in / 'port').read_text()}",
                "SCRATCH_DIR": str(self.stand_in / "scratch"),
                "AWS_PAGER": "",
                **self.settings,
            }
        )
        pages = ("README", page) if settings_first else (page,)
        return follow(pages, variant, self.folder, {**shell, "PATH": f"{path}:{shell['PATH']}"}, yours)

    @property
    def database(self) -> Path:
        """The application's database."""
        return Path((self.stand_in / "database").read_text())

    def start(self) -> None:
        """Start the application, as before the disaster."""
        self._order("start")

    def stop(self) -> None:
        """End the application if it still runs."""
        self._order("stop")

    def _order(self, verb: str) -> None:
        command = [str(self.stand_in / "bin" / "docker"), "compose", verb, "api"]
        subprocess.run(command, env=environment({"STAND_IN": str(self.stand_in)}), check=True)
        (self.stand_in / "calls.log").unlink()

    @property
    def running(self) -> bool:
        """Whether the application runs."""
        return (self.stand_in / "application.pid").exists()

    def require_found(self, manifest: Manifest, *, but: tuple[str, ...] = ()) -> Path:
        """Check that the application found a sound database equal to the backup, by digests, when it last started.

        Returns:
            A copy of the database at that time.
        """
        found = self.stand_in / "found.db"
        assert self.running
        assert not list(self.stand_in.glob("found.db-*"))
        assert check(found).integrity == ()
        recorded = {table.name: table for table in manifest.tables if table.name not in but}
        assert recorded
        assert {table.name: table for table in read_tables(found) if table.name not in but} == recorded
        return found


def make_place(folder: Path, database: Path, settings: Mapping[str, str]) -> Place:
    """Return a place whose application uses `database`, with the repository's sample events beside it."""
    stand_in = folder.parent / f"{folder.name}.stand-in"
    (stand_in / "bin").mkdir(parents=True)
    folder.mkdir(exist_ok=True)
    for name in ("docker", "kubectl"):
        command = stand_in / "bin" / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{orchestrator.__file__}" {name} "$@"\n')
        command.chmod(0o755)
    (stand_in / "database").write_text(str(database))
    (stand_in / "port").write_text(str(_free_port()))
    shutil.copytree(_REPOSITORY / "events", folder / "events")
    return Place(folder, stand_in, dict(settings))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
