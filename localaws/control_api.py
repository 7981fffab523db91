"""The control API: JSON over HTTP on the embedded AWS's own port, to trigger on request what AWS does by itself."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from localaws.cloud import SIMULATIONS, Cloud
from localaws.emf import parse_lines
from localaws.functions.moto_seam import find_function
from localaws.metrics import forget, put
from localaws.network import Network

PREFIX = "/_localaws/"
MAX_SETTLE_SECONDS = 900.0


class ControlApi:
    """Answers `POST /_localaws/<verb>` with a JSON object; `Control` is the client."""

    def __init__(self, cloud: Cloud, network: Network) -> None:
        """Steer `cloud` and `network`."""
        self._cloud, self._network = cloud, network
        self._verbs: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "status": self._status,
            "settle": self._settle,
            "schedules": lambda asked: cloud.scheduler.schedules(asked["region"]),
            "fire": lambda asked: cloud.scheduler.fire(asked["region"], asked["schedule"], _moment(asked.get("at"))),
            "invocations": lambda asked: cloud.ledger.rows(asked.get("function")),
            "replication": self._replication,
            "regions": self._regions,
            "emf": self._emf,
            "file-system": self._file_system,
            "metrics/forget": lambda _asked: forget(),
            "alarms/evaluate": lambda asked: cloud.alarms.evaluate(_moment(asked.get("now"))),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer one request with 200, with 400 if it is invalid, or with 404 if the verb is unknown."""
        verb = self._verbs.get(environ["PATH_INFO"].removeprefix(PREFIX))
        if verb is None:
            return _reply(start_response, "404 Not Found", {"error": "unknown verb", "verbs": sorted(self._verbs)})
        try:
            text = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _reply(start_response, "200 OK", verb(json.loads(text or b"{}")))
        except (LookupError, ValueError) as error:
            return _reply(start_response, "400 Bad Request", {"error": f"{type(error).__name__}: {error}"})

    def _status(self, _asked: Mapping[str, Any]) -> dict[str, Any]:
        background = self._cloud.background
        return {
            "simulations": SIMULATIONS,
            "unfinished": background.unfinished,
            "failures": background.failures,
            "regions_off": sorted(self._network.regions_off),
        }

    def _settle(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        settled = self._cloud.background.settle(min(float(asked["timeout"]), MAX_SETTLE_SECONDS))
        return {"settled": settled, **self._status(asked)}

    def _replication(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        replication = self._cloud.replication
        mode = asked.get("mode")
        if mode is not None:
            if mode not in ("run", "hold", "fail"):
                raise ValueError(f"replication cannot {mode!r}: run, hold or fail")
            replication.switch(mode)
        return {"mode": replication.mode, "waiting": replication.waiting, "failed": replication.failed}

    def _regions(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        self._network.regions_off = set(asked["off"])
        return {"off": sorted(self._network.regions_off)}

    def _emf(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        data = parse_lines(asked["lines"])
        put(asked["region"], data)
        return {"metrics": len(data)}

    def _file_system(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """The directories of a function's mounted file systems, by mount path."""
        function = find_function(f"arn:aws:lambda:{asked['region']}::function:{asked['function']}")
        if function is None:
            raise LookupError(f"function {asked['function']} does not exist in {asked['region']}")
        mounts = self._cloud.seam.deployed(function).facts.mounts
        return {mount: str(folder) for mount, folder in mounts.items()}


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text}: the time has no time zone")
    return moment


def _reply(start_response: Any, status: str, content: Any) -> Iterable[bytes]:
    body = json.dumps(content, default=str).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
