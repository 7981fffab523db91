"""Time and memory of a whole recovery from a real S3 server, beside the least possible work.

    python -m benchmarks.restore [--megabytes 1000] [--write]

The command line backs up to SeaweedFS and restores from it as an operator would: download, checksums, integrity_check,
row counts, content digests, promote. The same run measures the least possible work: copying the database with `cp`, and
running integrity_check. `--write` puts the figures into benchmarks/README.md.
"""

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.readme import write_section
from localaws.sample import make_sample_database
from localaws.seaweed import SeaweedS3

HEADING = "## Recovery"
ROOT = Path(__file__).resolve().parents[1]
BUCKET = "vault"


@dataclass(frozen=True, slots=True)
class Run:
    """A command: its seconds, and its peak memory in megabytes."""

    name: str
    seconds: float
    megabytes: float | None = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--write", action="store_true", help="put the figures into benchmarks/README.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, SeaweedS3() as s3:
        folder = Path(name)
        database = make_sample_database(folder / "data" / "devops_hub.db", megabytes=asked.megabytes)
        client = s3.client()
        client.create_bucket(Bucket=BUCKET)
        environment = {**os.environ, **s3.environment(), "DATABASE_PATH": str(database), "TMPDIR": name}
        runs = [_copy(database, folder / "copy.db"), _check(database)]
        runs.append(_command("backup", environment, "backup", "--db-only", "--no-drill", "--to", f"s3://{BUCKET}/b/"))
        database.unlink()
        runs.append(
            _command("restore", environment, "restore", "--db-only", "--from-s3", f"s3://{BUCKET}/b/latest.tar.gz")
        )
        table = _table(runs, asked.megabytes)
    print(table)
    if asked.write:
        write_section(HEADING, table)


def _copy(source: Path, target: Path) -> Run:
    began = time.monotonic()
    subprocess.run(["cp", str(source), str(target)], check=True)
    seconds = time.monotonic() - began
    target.unlink()
    return Run("`cp` of the database", seconds)


def _check(database: Path) -> Run:
    began = time.monotonic()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA integrity_check").fetchall()
    return Run("only `PRAGMA integrity_check`", time.monotonic() - began)


def _command(name: str, environment: dict[str, str], *arguments: str) -> Run:
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "sqlitevault", *arguments], cwd=ROOT, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{name} failed with {process.returncode}")
    return Run(f"`sqlitevault {name}`", time.monotonic() - began, _peak(usage))


def _peak(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss * 1024 / 1e6


def _table(runs: list[Run], megabytes: int) -> str:
    unit = runs[0].seconds
    lines = [f"A database of {megabytes} MB, SeaweedFS on the same machine, {os.cpu_count()} cores.", ""]
    lines += ["| what | seconds | times `cp` | peak memory |", "| --- | --- | --- | --- |"]
    for run in runs:
        memory = f"{run.megabytes:.0f} MB" if run.megabytes else ""
        lines.append(f"| {run.name} | {run.seconds:.1f} | {run.seconds / unit:.1f} | {memory} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
