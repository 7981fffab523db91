"""A user's folder with a database, its configuration and backups, and a listing to detect changes."""

import hashlib
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlitevault.backup.backup import Order, back_up
from sqlitevault.ground.facts import Tier
from tests.cli.command import PROGRAM, Outcome, run, run_on_terminal, run_warm
from tests.databases import make_bank
from tests.sites import make_site

_HASHED = 64 << 20  # bytes; sparse files as large as the disk are hashed only up to here
_TAKE_BACKUPS = ("backup", "keys", "restore")


def next_second() -> None:
    """Wait until the clock shows another second: backups are named by the second."""
    time.sleep(1 - time.time() % 1)


@dataclass(frozen=True, slots=True)
class Home:
    """A folder in which a user runs `sqlitevault`, with defaults for everything but `settings`."""

    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Path:
        """The live database."""
        return self.root / "data" / "devops_hub.db"

    @property
    def backups(self) -> Path:
        """The directory vault."""
        return self.root / "backups"

    @property
    def scratch(self) -> Path:
        """The working folder, empty whenever no command runs."""
        return self.root / "scratch"

    def run(self, *arguments: str | Path, **settings: str) -> Outcome:
        """Run the command without a terminal; one that takes a backup waits until its name is free."""
        if arguments[0] in _TAKE_BACKUPS and any(self.root.rglob(f"*_{datetime.now(UTC):%Y%m%d_%H%M%S}.tar.gz")):
            next_second()
        return run_warm(arguments, self.root, self._settings(settings))

    def run_program(self, *arguments: str | Path, **settings: str) -> Outcome:
        """Run the installed program itself, including its start and imports."""
        return run((PROGRAM, *arguments), self.root, self._settings(settings))

    def run_within(self, kibibytes: int, *arguments: str | Path) -> Outcome:
        """Run the command with a limit on the size of files, as on a disk that fills up."""
        limited = ("bash", "-c", f'ulimit -f {kibibytes}; exec "$@"', "bash", PROGRAM)
        # Without a .pyc file: the limit could truncate one in the installed packages.
        return run((*limited, *arguments), self.root, self._settings({"PYTHONDONTWRITEBYTECODE": "1"}))

    def run_on_terminal(self, *arguments: str | Path, answer: str = "") -> Outcome:
        """Run the command on a terminal."""
        return run_on_terminal(arguments, self.root, self._settings({}), answer=answer)

    def _settings(self, changed: dict[str, str]) -> dict[str, str]:
        return {"SCRATCH_DIR": str(self.scratch), **self.settings, **changed}

    def back_up(self, age: timedelta, *, tier: Tier = Tier.MANUAL, allow_corrupt: bool = False) -> str:
        """Take a backup dated `age` ago, and return its id."""
        moment = datetime.now(UTC).replace(microsecond=0) - age
        site = make_site(self.database, str(self.backups), at=moment, scratch=self.scratch)
        return back_up(site, Order(tier=tier, allow_corrupt=allow_corrupt)).backup_id

    def archive(self, backup_id: str) -> Path:
        """Return the path of a backup's archive."""
        return self.backups / f"{backup_id}.tar.gz"

    def manifest(self, backup_id: str) -> Path:
        """Return the path of a backup's manifest."""
        return self.backups / f"{backup_id}.tar.gz.manifest.json"

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the committed backups, oldest first."""
        return tuple(sorted(path.name.split(".tar.gz")[0] for path in self.backups.glob("*.manifest.json")))


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Return every path below `root`, except the empty scratch folder, with its size and a hash of its content."""
    entries = (path for path in sorted(root.rglob("*")) if path.name != "scratch")
    return {str(path.relative_to(root)): _facts(path) for path in entries}


def _facts(path: Path) -> tuple[int, str]:
    if path.is_symlink() or not path.is_file():
        return 0, "folder" if path.is_dir() else "special"
    with path.open("rb") as content:
        return path.stat().st_size, hashlib.sha256(content.read(_HASHED)).hexdigest()


def make_home(root: Path) -> Home:
    """Make a folder with a small bank, a compose file and an `.env`, and no backup."""
    made = Home(root)
    make_bank(made.database)
    (root / "docker-compose.yml").write_text("services:\n  app:\n    image: devops-hub:1\n")
    (root / ".env").write_text("API_TOKEN=very-secret\nPORT=8100\n")
    return made


def copy_home(home: Home, root: Path) -> Home:
    """Copy the folder, so that a test can change the copy."""
    shutil.copytree(home.root, root, dirs_exist_ok=True)
    return Home(root, dict(home.settings))
