"""Peak memory of backup, drill and restore, each in its own process, which does not depend on the database's size.

MEMORY_TEST_MEGABYTES sets the size; the bound is the same for any.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

MEGABYTES = int(os.environ.get("MEMORY_TEST_MEGABYTES", "120"))
MOST_MEGABYTES = 150

SCRIPT = """
import re, sys, time
from datetime import UTC, datetime
from pathlib import Path
from sqlitevault.catalog.manifest import Scope
from sqlitevault.backup.backup import Order, back_up
from sqlitevault.catalog.selection import Choice
from sqlitevault.proof.drill import drill
from sqlitevault.restore.promote import promote
from sqlitevault.restore.stage import stage
from tests.sites import changed, make_site
from sqlitevault.catalog.selection import select

verb, home = sys.argv[1], Path(sys.argv[2])
database, scratch = home / "data" / "app.db", home / "scratch"
site = make_site(database, str(home / "vault"), config_root=home, scratch=scratch, rto_seconds=3600)
elsewhere = changed(site, database_path=home / "restored" / "app.db")
started = time.monotonic()
if verb == "backup":
    back_up(site, Order(scope=Scope.DATABASE))
elif verb == "drill":
    report = drill(site, select(site.vault, Choice()))
    assert report.passed, report.checks
else:
    elsewhere.settings.database_path.parent.mkdir()
    staged = stage(elsewhere, select(site.vault, Choice()), scope=Scope.DATABASE)
    promote(elsewhere, staged.backup_id)
# Only of this process; getrusage would also count the parent's memory from before exec.
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(peak, round(time.monotonic() - started, 1))
"""

# Two thirds are incompressible rows of a kilobyte, with an index that grows with them; the rest are larger values.
_FILL = """
CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, data BLOB, weight REAL);
CREATE INDEX by_kind ON events(kind, weight);
CREATE TABLE files (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT :megabytes * 480)
INSERT INTO events(kind, data, weight) SELECT hex(randomblob(16)), randomblob(1000), random() / 3.0 FROM n;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT :megabytes / 3)
INSERT INTO files SELECT 'file ' || i, randomblob(1000000) FROM n;
"""


def _make(path: Path, megabytes: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for statement in _FILL.split(";\n"):
            connection.execute(statement, {"megabytes": megabytes})
        connection.execute("COMMIT")


def _run(verb: str, home: Path) -> tuple[float, float]:
    """Return the peak in MB and the seconds."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, verb, home],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kibibytes, seconds = done.stdout.split()
    return int(kibibytes) / 1024, float(seconds)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_memory_does_not_grow_with_the_database(tmp_path: Path) -> None:
    """Backup, drill with the SQL dump, and restore each stay below one bound; `pytest -s` shows the figures."""
    _make(tmp_path / "data" / "app.db", MEGABYTES)
    size = (tmp_path / "data" / "app.db").stat().st_size / 1e6
    assert size > MEGABYTES * 0.9
    peaks = {}
    for verb in ("backup", "drill", "restore"):
        peaks[verb], seconds = _run(verb, tmp_path)
        sys.stdout.write(f"\n{verb} of {size:.0f} MB: peak {peaks[verb]:.0f} MB, {seconds} s")
    assert (tmp_path / "restored" / "app.db").stat().st_size == (tmp_path / "data" / "app.db").stat().st_size
    assert max(peaks.values()) < MOST_MEGABYTES, peaks
