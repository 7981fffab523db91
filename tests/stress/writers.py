"""Processes that write to a database constantly and are sometimes killed."""

import mmap
import multiprocessing
import os
import random
import signal
import sqlite3
import struct
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from tests.stress.workload import Work

_SLOTS = 16
_NUMBER = struct.Struct("<q")
_BUSY_SECONDS = 20
_DIES = 0.004
_RECONNECTS = 0.01
_KILLED = 0.05
_ALL_DEAD = 0.05
# All writers pause at the same time for a part of every period, for snapshots in quiet moments and at their edges.
_PERIOD_SECONDS = 0.7
_REST_SHARE = 0.35


class Board:
    """Each writer's last commit, in memory shared by all processes."""

    def __init__(self) -> None:
        """Begin with no commit."""
        self._memory = mmap.mmap(-1, _SLOTS * _NUMBER.size)

    def note(self, slot: int, number: int) -> None:
        """Record that this number of the ledger is committed."""
        _NUMBER.pack_into(self._memory, slot * _NUMBER.size, number)

    def highest(self) -> int:
        """Return the highest number known to be committed."""
        return max(int(number) for (number,) in _NUMBER.iter_unpack(self._memory))


class Writers:
    """Writer processes; leaving the context kills them."""

    def __init__(self, database: Path, journal_mode: str, *, count: int, seed: int) -> None:
        """Begin without any."""
        self._database = database
        self._mode = journal_mode
        self._random = random.Random(seed)
        self._context = multiprocessing.get_context("fork")
        self._processes: list[multiprocessing.process.BaseProcess | None] = [None] * count
        self.board = Board()
        self.killed = 0

    def __enter__(self) -> "Writers":
        """Start them."""
        self.tend()
        return self

    def __exit__(self, *_error: object) -> None:
        """Kill them."""
        for slot in range(len(self._processes)):
            self._kill(slot)

    def tend(self) -> None:
        """Replace dead writers; now and then kill one, or all of them, in the middle of their work."""
        for slot, process in enumerate(self._processes):
            if process is None or not process.is_alive():
                self.killed += process is not None
                self._processes[slot] = self._start(_write, slot)
        if self._random.random() < _KILLED:
            self._kill(self._random.randrange(len(self._processes)))
        elif self._random.random() < _ALL_DEAD:
            self._kill_all()

    def _kill_all(self) -> None:
        for slot in range(len(self._processes)):
            self._kill(slot)
        last = self._processes[0] = self._start(_die, 0)
        last.join()

    def _start(self, target: Callable[..., None], slot: int) -> multiprocessing.process.BaseProcess:
        arguments = (self._database, self._mode, self.board, slot, self._random.randrange(1 << 30))
        process = self._context.Process(target=target, args=arguments, daemon=True)
        process.start()
        return process

    def _kill(self, slot: int) -> None:
        process = self._processes[slot]
        if process is not None and process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.join()


def _write(database: Path, journal_mode: str, board: Board, slot: int, seed: int) -> None:
    randomness = random.Random(seed)
    while True:
        with suppress(sqlite3.OperationalError), closing(_connect(database, journal_mode, randomness)) as connection:
            _write_until_reconnect(Work(connection, journal_mode, randomness), board, slot, randomness)


def _die(database: Path, journal_mode: str, _board: Board, _slot: int, seed: int) -> None:
    randomness = random.Random(seed)
    Work(_connect(database, journal_mode, randomness), journal_mode, randomness).die()
    os.kill(os.getpid(), signal.SIGKILL)


def _write_until_reconnect(work: Work, board: Board, slot: int, randomness: random.Random) -> None:
    while randomness.random() > _RECONNECTS:
        _rest(randomness)
        if randomness.random() < _DIES:
            work.die()
            os.kill(os.getpid(), signal.SIGKILL)
        number = work.any()
        if number is not None:
            board.note(slot, number)


def _rest(randomness: random.Random) -> None:
    phase = time.monotonic() % _PERIOD_SECONDS
    if phase < _REST_SHARE * _PERIOD_SECONDS:
        time.sleep(_REST_SHARE * _PERIOD_SECONDS - phase)
    time.sleep(randomness.choice((0, 0, 0.001, 0.005, 0.02)))


def _connect(database: Path, journal_mode: str, randomness: random.Random) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None, timeout=_BUSY_SECONDS)
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = {randomness.choice((10, 50, 2000))}")
    connection.execute(f"PRAGMA cache_spill = {randomness.choice((0, 10))}")
    if journal_mode == "wal":
        connection.execute(f"PRAGMA wal_autocheckpoint = {randomness.choice((0, 20, 100, 1000))}")
        connection.execute(f"PRAGMA journal_size_limit = {randomness.choice((0, 100000, -1, -1))}").fetchall()
    else:
        connection.execute(f"PRAGMA journal_mode = {journal_mode}").fetchall()
    return connection
