"""Simulation of network reachability: functions in the VPC, and regions that are switched off.

A function in the VPC reaches S3 in its own region through the gateway endpoint and nothing else. On AWS its other
calls would hang until they time out; here they are refused at once, by name. Each function signs its requests with a
key that shows where it runs, so nothing has to be routed.

Source: https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

from moto.s3.models import s3_backends

from localaws.clients import ACCOUNT

_IN_VPC = "localvpc-"
_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def access_key(region: str, *, in_vpc: bool) -> str:
    """Return the false access key of a function, which shows whether the function is in a VPC."""
    return f"{_IN_VPC}{region}" if in_vpc else "testing"


class Network:
    """Refuses requests that would fail on AWS, and passes on all others."""

    def __init__(self, application: Wsgi) -> None:
        """Filter requests to `application`."""
        self._application = application
        self.regions_off: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer 403 or 503 with a reason, or pass the request on."""
        found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        if found is None:
            return self._application(environ, start_response)
        service, region = found["service"], target_region(found["service"], found["region"], environ["PATH_INFO"])
        if region in self.regions_off:
            reason = f"{region} is switched off"
            return _refuse(start_response, "503 Service Unavailable", "RegionSwitchedOff", reason, service)
        no_route = refusal(found["key"], service, region)
        if no_route:
            return _refuse(start_response, "403 Forbidden", "NoRouteFromVpc", no_route, service)
        return self._application(environ, start_response)


def refusal(key: str, service: str, region: str) -> str | None:
    """Return why a caller with this key cannot reach the service in the region; None if it can."""
    if not key.startswith(_IN_VPC):
        return None
    home = key.removeprefix(_IN_VPC)
    if service != "s3":
        return f"a function in the VPC called {service}; only S3 has an endpoint there, on AWS the call would hang"
    if region != home:
        return f"a function in the VPC of {home} called S3 in {region}; the gateway endpoint does not lead there"
    return None


def target_region(service: str, signed_region: str, path: str) -> str:
    """Return the region a request goes to: for S3 the bucket's, if it exists, else the one it was signed for."""
    if service != "s3":
        return signed_region
    bucket = unquote(path.lstrip("/").split("/", 1)[0])
    known = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    return str(known.region_name) if known is not None else signed_region


def _refuse(start_response: Any, status: str, code: str, message: str, service: str) -> Iterable[bytes]:
    text = f"simulation: {message}"
    if service == "s3":
        kind, body = "application/xml", f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
    else:
        kind, body = "application/json", json.dumps({"__type": code, "message": text})
    start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body.encode())))])
    return [body.encode()]
