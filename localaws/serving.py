"""One WSGI application made of moto and the control API, and its socket."""

import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from flask import got_request_exception
from moto import backends
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from localaws.cloud import Cloud
from localaws.control_api import PREFIX, ControlApi
from localaws.network import Network
from localaws.patching import replace


class QuietHandler(MotoRequestHandler):
    """moto's request handler without its log line per request."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


class Serving:
    """The embedded AWS on a port of this machine."""

    def __init__(self, port: int, state: Path, file_systems: Mapping[str, Path]) -> None:
        """Listen; 0 selects a free port."""
        default_user_config["stepfunctions"]["execute_state_machine"] = True
        got_request_exception.connect(_log_exception)
        replace(backends, "list_of_moto_modules", _listed_once)
        self._network = Network(DomainDispatcherApplication(create_backend_app))
        self._server = make_server("127.0.0.1", port, self._answer, threaded=True, request_handler=QuietHandler)
        # The name, not the number: the AWS CLIs put bucket names before it.
        self.endpoint = f"http://localhost:{self._server.server_port}"
        self._cloud = Cloud(self.endpoint, state, file_systems)
        self._control = ControlApi(self._cloud, self._network)

    def forever(self) -> None:
        """Serve until an exception, such as a signal handler's, ends it."""
        self._server.serve_forever()

    def close(self) -> None:
        """End the functions' processes and release the port."""
        self._cloud.close()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(PREFIX):
            return self._control(environ, start_response)
        return self._network(environ, start_response)


def _listed_once(modules: Callable[[], Iterable[str]]) -> Callable[[], Iterable[str]]:
    """Read moto's folder once: moto reads it for each request."""
    listed = tuple(modules())
    return lambda: listed


def _log_exception(_sender: object, exception: BaseException, **_: object) -> None:
    """Log the traceback, because moto answers 500 without a reason."""
    traceback.print_exception(exception, file=sys.stderr)
