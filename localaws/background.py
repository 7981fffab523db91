"""Work that AWS does in the background, counted so that a test can wait for its end."""

import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


class Background:
    """Runs tasks on a few threads and records which are unfinished and which failed."""

    def __init__(self, threads: int = 8) -> None:
        """Start with nothing to do."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="background")
        self._changed = threading.Condition()
        self._unfinished: dict[int, str] = {}
        self._count = 0
        self.failures: list[str] = []

    def submit(self, name: str, task: Callable[[], object], *, delay: float = 0.0) -> None:
        """Run `task` soon, `delay` seconds from now at the earliest; `name` is what `unfinished` shows."""
        with self._changed:
            self._count += 1
            ticket = self._count
            self._unfinished[ticket] = name
        if delay:
            timer = threading.Timer(delay, self._hand_over, (ticket, name, task))
            timer.daemon = True
            timer.start()
        else:
            self._hand_over(ticket, name, task)

    @property
    def unfinished(self) -> list[str]:
        """The names of the tasks that wait or run."""
        with self._changed:
            return list(self._unfinished.values())

    def settle(self, timeout: float) -> bool:
        """Wait until all tasks are done, `timeout` seconds at most; return whether they are."""
        until = time.monotonic() + timeout
        with self._changed:
            while self._unfinished:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def close(self) -> None:
        """Accept no more tasks, and drop the waiting ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self, ticket: int, name: str, task: Callable[[], object]) -> None:
        try:
            self._pool.submit(self._run, ticket, name, task)
        except RuntimeError:  # closed meanwhile
            self._done(ticket)

    def _run(self, ticket: int, name: str, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception as error:  # noqa: BLE001  (whatever it is, it must show in the status and not end the thread)
            self.failures.append(f"{name}: {type(error).__name__}: {error}")
            traceback.print_exc(file=sys.stderr)
        finally:
            self._done(ticket)

    def _done(self, ticket: int) -> None:
        with self._changed:
            self._unfinished.pop(ticket, None)
            self._changed.notify_all()
