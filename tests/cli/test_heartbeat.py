"""HEARTBEAT_URL: pinged after a proven backup of the database, and only then."""

import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from threading import Thread

import pytest
from click.testing import CliRunner

from sqlitevault.cli import main, options
from sqlitevault.cli.backup import ping
from tests.cli.home import Home
from tests.cli.mistakes import break_database
from tests.cli.test_breach_verbs import BadDisk

_PATH = "ping/secret-token"


class Service:
    """A monitoring service that records pings and answers with `status`."""

    def __init__(self, status: int) -> None:
        """Listen on a free port."""
        self.requests: list[str] = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            """Records each request."""

            def do_GET(self) -> None:
                requests.append(self.path)
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The URL to ping."""
        return f"http://127.0.0.1:{self.server.server_port}/{_PATH}"

    def close(self) -> None:
        """Stop."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    """A service that answers 200."""
    with closing(Service(200)) as listening:
        yield listening


def test_a_proven_backup_sends_one_ping(new_home: Home, service: Service) -> None:
    """A proven backup requests exactly that URL once, and its report says so; without the setting it does not."""
    report = new_home.run("backup", "--json", HEARTBEAT_URL=service.url).require(0).document
    assert report["heartbeat"] == "sent"
    assert service.requests == [f"/{_PATH}"]
    assert new_home.run("backup", "--json", "--to", "other").require(0).document["heartbeat"] is None
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "arguments", [("--no-drill",), ("--config-only",), ("--allow-corrupt",)], ids=["no-drill", "config", "corrupt"]
)
def test_an_unproven_backup_sends_no_ping(new_home: Home, service: Service, arguments: tuple[str, ...]) -> None:
    """An undrilled backup, one of only the configuration, and a corrupt one kept for salvage send no ping."""
    if arguments == ("--allow-corrupt",):
        break_database(new_home)
    new_home.run("backup", *arguments, HEARTBEAT_URL=service.url).require(0)
    assert len(new_home.ids) == 1
    assert service.requests == []


def test_a_failed_backup_sends_no_ping(new_home: Home, service: Service) -> None:
    """A backup that fails, here because the database is missing, sends no ping."""
    new_home.database.unlink()
    new_home.run("backup", HEARTBEAT_URL=service.url).require(10)
    assert service.requests == []


def test_a_failed_drill_sends_no_ping(new_home: Home, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backup that is committed but fails its drill sends no ping."""
    monkeypatch.chdir(new_home.root)
    usual = options.site
    monkeypatch.setattr(options, "site", lambda **given: replace(usual(**given), opener=lambda at: BadDisk(Path(at))))
    settings = {"SCRATCH_DIR": str(new_home.scratch), "HEARTBEAT_URL": service.url}
    assert CliRunner().invoke(main, ["backup"], env=settings).exit_code == 14
    assert len(new_home.ids) == 1
    assert service.requests == []


def test_an_invalid_own_check_sends_no_ping(new_home: Home, service: Service) -> None:
    """An invalid DRILL_SQL sends no ping although the backup is good, so that the monitoring service alerts."""
    new_home.run("backup", HEARTBEAT_URL=service.url, DRILL_SQL="no SQL => 1").require(2)
    assert len(new_home.ids) == 1
    assert service.requests == []


def test_a_service_that_refuses_causes_a_note(new_home: Home) -> None:
    """If the service answers 503, the backup succeeds with a note; the URL, which is a secret, is not printed."""
    with closing(Service(503)) as refusing:
        done = new_home.run("backup", HEARTBEAT_URL=refusing.url).require(
            0, "note: the heartbeat was not sent: it answered 503"
        )
        assert refusing.requests == [f"/{_PATH}"]
    assert "secret-token" not in done.stdout + done.stderr


def test_an_unreachable_service_causes_a_note(new_home: Home) -> None:
    """If nothing listens at the address, the backup succeeds with a note."""
    with create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{_PATH}"
    done = new_home.run("backup", HEARTBEAT_URL=url).require(0, "the heartbeat was not sent: it was not reached: ")
    assert "secret-token" not in done.stdout + done.stderr


def _hang_up(listening: socket) -> None:
    listening.accept()[0].close()


def test_a_service_that_hangs_up_causes_a_note(new_home: Home) -> None:
    """If the service closes the connection without an answer, the backup succeeds with a note."""
    with create_server(("127.0.0.1", 0)) as other:
        Thread(target=_hang_up, args=(other,), daemon=True).start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}/{_PATH}"
        new_home.run("backup", HEARTBEAT_URL=url).require(0, "the heartbeat was not sent: it was not reached: ")


def _dribble(listening: socket) -> None:
    connection = listening.accept()[0]
    with closing(connection), suppress(OSError):
        connection.sendall(b"HTTP/1.0 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)


def test_an_endless_answer_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit applies to the whole answer, even if single bytes keep arriving."""
    monkeypatch.setattr("sqlitevault.cli.backup._PING_SECONDS", 0.5)
    with create_server(("127.0.0.1", 0)) as slow:
        Thread(target=_dribble, args=(slow,), daemon=True).start()
        assert ping(f"http://127.0.0.1:{slow.getsockname()[1]}/") == "it did not answer within 10 s"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "heartbeat.example.com", "http:///x"], ids=["file", "bare", "nohost"]
)
def test_only_web_addresses_are_accepted(new_home: Home, url: str) -> None:
    """An address other than http or https is refused before a backup is taken."""
    new_home.run("backup", HEARTBEAT_URL=url).require(2, "ConfigError: wrong settings: HEARTBEAT_URL")
    assert not new_home.backups.exists()
