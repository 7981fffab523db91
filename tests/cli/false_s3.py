"""A false S3 that refuses requests or closes connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

REFUSALS = {
    "AccessDenied": HTTPStatus.FORBIDDEN,
    "InvalidAccessKeyId": HTTPStatus.FORBIDDEN,
    "ExpiredToken": HTTPStatus.BAD_REQUEST,
    "RequestTimeTooSkewed": HTTPStatus.FORBIDDEN,
}


class _Refusing(BaseHTTPRequestHandler):
    """Answers every request with the server's code; without a code it closes the connection."""

    protocol_version = "HTTP/1.1"
    code: str | None = None

    def handle_one_request(self) -> None:
        """Read the request's head, and answer."""
        self.close_connection = True
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        if self.code is None:
            return
        body = f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
        status = REFUSALS[self.code]
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/xml\r\n"
        self.wfile.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


@contextmanager
def false_s3(code: str | None) -> Iterator[dict[str, str]]:
    """Run the server; give the settings that make a command use it as S3."""
    handler = type("Refusing", (_Refusing,), {"code": code})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield access(server.server_port)
        finally:
            server.shutdown()
            thread.join()


def access(port: int) -> dict[str, str]:
    """Return the settings that lead to a port of this machine, with false credentials."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
    }
