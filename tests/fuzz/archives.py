# ruff: noqa: T201 - a program that prints its results
"""Hundreds of thousands of damaged and hostile archives: each is refused or unpacks to exactly the original content.

    python -m tests.fuzz.archives --cases 100000 --seed 1

The claim, for every mutation of a small genuine archive: with the manifest from the vault it is refused unless it is
identical; without the manifest it is refused or unpacks to exactly the original files. Refusals are errors of
sqlitevault with a hint; no file is left in the scratch folder or changed outside it; memory stays bounded. To repeat a
case, pass `--only NUMBER`.
"""

import argparse
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sqlitevault.archive.unpacking import unpack
from sqlitevault.catalog.manifest import Manifest
from sqlitevault.ground.errors import SqliteVaultError
from tests.archives import backup_in, legacy_in
from tests.fuzz.mutations import Base, Mutant, mutant

BATCH = 500
SECONDS_PER_CASE = 20
CONTENT = {
    "db_stats.txt": b"Database Statistics:\nagents: 2\n",
    "devops_hub.db": bytes.fromhex(
        "53514c69746520666f726d6174203300100001010040202000000001000000010000000000000000000000010000000400000000"
        "0000000000000001000000000000000000000000000000000000000000000000000000000000000000000001002e6301"
    )
    + bytes(range(256)),
    "devops_hub.sql": b"BEGIN TRANSACTION;\nCOMMIT;\n",
    "config/docker-compose.yml": b"services: {}\n",
}


@dataclass(slots=True)
class Tally:
    """Outcomes of cases: `outcomes` counts (kind of mutation, outcome); `failures` describe violations of the claim."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    peak_kibibytes: int = 0

    def add(self, other: "Tally") -> None:
        """Add another tally."""
        self.outcomes.update(other.outcomes)
        self.failures += other.failures
        self.peak_kibibytes = max(self.peak_kibibytes, other.peak_kibibytes)


class Laboratory:
    """A scratch folder with canaries around it, and a genuine archive to mutate."""

    def __init__(self, folder: Path, *, legacy: bool) -> None:
        """Set everything up below `folder`, which is otherwise empty."""
        self.folder = folder
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "canary").write_bytes(b"canary")
        made = (legacy_in if legacy else backup_in)(folder / "made", CONTENT)
        self.manifest: Manifest = made.manifest
        self.base = Base.of(made.archive.read_bytes(), str(self.outside), legacy=legacy)
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.path = folder / "mutant.tar.gz"
        self.path.touch()
        self.untouched = self._surroundings()
        self.whole = self._tree(unpack(made.archive, self.scratch / "into").folder)
        shutil.rmtree(self.scratch / "into")

    def examine(self, made: Mutant) -> str:
        """Return the outcome of a case.

        Raises:
            AssertionError: the claim does not hold.
        """
        self.path.write_bytes(made.archive)
        known = self._outcome(self.manifest)
        if known == "unpacked" and made.archive != self.base.archive:
            raise AssertionError("unpacked although the manifest has another checksum")
        return self._outcome(None)

    def _outcome(self, expected: Manifest | None) -> str:
        into = self.scratch / "into"
        try:
            folder = unpack(self.path, into, expected=expected).folder
            outcome = "unpacked"
            if self._tree(folder) != self.whole or folder.parent != into:
                raise AssertionError("unpacked to something else than was backed up")
            shutil.rmtree(into)
        except SqliteVaultError as error:
            outcome = error.code
            if not error.hint or not str(error).isprintable():
                raise AssertionError(f"a poor refusal: {error!r}") from error
        if any(self.scratch.iterdir()):
            raise AssertionError("something is left in the scratch folder")
        if self._surroundings() != self.untouched:
            raise AssertionError("something outside the scratch folder was touched")
        return outcome

    def _surroundings(self) -> tuple[object, ...]:
        canary = (self.outside / "canary").stat()
        return (
            sorted(self.folder.iterdir()),
            list(self.outside.iterdir()),
            sorted((self.folder / "made").iterdir()),
            (canary.st_ino, canary.st_size, canary.st_mtime_ns, canary.st_mode),
        )

    def _tree(self, folder: Path) -> dict[str, bytes]:
        found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        if self.base.legacy:  # the original script recorded no checksum of these two
            del found["MANIFEST.json"], found["checksums.sha256"]
        return found


def run_batch(first: int, count: int, seed: int, *, legacy: bool = False) -> Tally:
    """Examine some cases in their own laboratory."""
    tally = Tally()
    signal.signal(signal.SIGALRM, _give_up)
    fast = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="sqlitevault-fuzz-", dir=fast if fast.is_dir() else None) as folder:
        laboratory = Laboratory(Path(folder), legacy=legacy)
        for number in range(first, first + count):
            made = mutant(laboratory.base, number, seed)
            signal.alarm(SECONDS_PER_CASE)
            try:
                outcome = laboratory.examine(made)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                outcome = "FAILED"
                tally.failures.append(
                    f"case {number}{' --legacy' * legacy} ({made.kind}): {type(error).__name__}: {error}"
                )
                shutil.rmtree(laboratory.scratch)
                laboratory.scratch.mkdir()
            finally:
                signal.alarm(0)
            tally.outcomes["original script: " * legacy + made.kind, outcome] += 1
    tally.peak_kibibytes = _peak_kibibytes()
    return tally


def run(cases: int, seed: int, processes: int) -> Tally:
    """Examine that many cases, every fifth on an archive of the original script."""
    whole = Tally()
    of_legacy = cases // 5
    with ProcessPoolExecutor(processes) as pool:
        batches = [
            pool.submit(run_batch, start, min(BATCH, total - start), seed, legacy=legacy)
            for total, legacy in ((cases - of_legacy, False), (of_legacy, True))
            for start in range(0, total, BATCH)
        ]
        for done, batch in enumerate(batches, 1):
            whole.add(batch.result())
            if done % 20 == 0:
                print(f"{done * BATCH:,} cases, {len(whole.failures)} failures", file=sys.stderr)
    return whole


def report(tally: Tally, seconds: float) -> str:
    """Return the closing table."""
    kinds = sorted({kind for kind, _ in tally.outcomes})
    outcomes = sorted({outcome for _, outcome in tally.outcomes})
    total = tally.outcomes.total()
    same = sum(count for (_, outcome), count in tally.outcomes.items() if outcome == "unpacked")
    closing = (
        f"{total:,} cases in {seconds:.0f} s: {total - same - len(tally.failures):,} refused, "
        f"{same:,} with content identical to the bit, {len(tally.failures)} failures; "
        f"peak memory {tally.peak_kibibytes / 1024:.0f} MiB"
    )
    return "\n".join(
        [
            " | ".join(["mutation".ljust(42), *(outcome.rjust(16) for outcome in outcomes)]),
            *(" | ".join([kind.ljust(42), *(f"{tally.outcomes[kind, o]:16,}" for o in outcomes)]) for kind in kinds),
            "",
            closing,
            *tally.failures[:20],
        ]
    )


def main() -> int:
    """Run from the command line; the exit status is 1 if the claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="run this one case")
    parser.add_argument("--legacy", action="store_true", help="with --only: on an archive of the original script")
    options = parser.parse_args()
    started = time.monotonic()
    if options.only is not None:
        tally = run_batch(options.only, 1, options.seed, legacy=options.legacy)
    else:
        tally = run(options.cases, options.seed, options.processes)
    print(report(tally, time.monotonic() - started))
    return 1 if tally.failures else 0


def _give_up(_signal: int, _frame: object) -> None:
    raise TimeoutError(f"no answer within {SECONDS_PER_CASE} s")


def _peak_kibibytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
