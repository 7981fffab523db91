"""A stand-in for DevOps Hub in the runbooks' tests.

Like the application, it keeps its database open, commits to it all the time, and answers /health and /agents from it.
"""

import json
import sqlite3
import sys
import threading
import time
import uuid
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_INSERT = (
    "INSERT INTO workflow_executions (id, workflow_id, workflow_name, status, created_at) "
    "VALUES (?, 'w', 'stand-in', 'done', datetime('now'))"
)
_PAUSE_SECONDS = 0.01


def write_on(database: str) -> None:
    """Commit one row after another, and continue after errors."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=5)) as connection:
        while True:
            try:
                connection.execute(_INSERT, (str(uuid.uuid4()),))
            except sqlite3.Error:
                time.sleep(1)
            time.sleep(_PAUSE_SECONDS)


class Answers(BaseHTTPRequestHandler):
    """Answers GET /health and GET /agents."""

    database = ""

    def do_GET(self) -> None:
        """Answer from the database, or with 503 if it cannot be read."""
        try:
            with closing(sqlite3.connect(self.database, timeout=5)) as connection:
                (agents,) = connection.execute("SELECT count(*) FROM agents").fetchone()
        except sqlite3.Error as error:
            self._answer(503, {"status": str(error)})
            return
        known = {"/health": {"status": "healthy"}, "/agents": {"total": agents}}
        self._answer(200 if self.path in known else 404, known.get(self.path, {}))

    def _answer(self, code: int, document: object) -> None:
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Run until killed."""
    database, port = sys.argv[1], int(sys.argv[2])
    Answers.database = database
    threading.Thread(target=write_on, args=(database,), daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", port), Answers).serve_forever()


if __name__ == "__main__":
    main()
