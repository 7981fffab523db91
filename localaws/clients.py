"""Access to an embedded AWS: its account, false credentials, boto3 clients, the environment of a command."""

import os
import threading
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT = "123456789012"  # the account that moto gives to every caller
_CREDENTIALS = ("testing", "testing", "testing")  # key id, key and token, none of them real

# Commands need these of the caller's environment and nothing else: above all no AWS profile and no credentials.
_PASSED_ON = ("PATH", "HOME", "LANG", "TERM", "TMPDIR", "UV_CACHE_DIR", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")


def access_environment(endpoint: str, region: str) -> dict[str, str]:
    """Return the variables that point AWS tools at `endpoint`, in `region`, with false credentials."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def command_environment(endpoint: str, region: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment for a command that talks to `endpoint`, without this process's AWS settings."""
    source = os.environ if own is None else own
    passed = {name: source[name] for name in _PASSED_ON if name in source}
    # Package managers are configured by variables of their own.
    passed |= {name: value for name, value in source.items() if name.startswith(("UV_", "PIP_"))}
    neutral = {"AWS_CONFIG_FILE": os.devnull, "AWS_PAGER": "", "SQLITEVAULT_CONFIG": os.devnull}
    return {**passed, **access_environment(endpoint, region), **neutral}


class Clients:
    """boto3 clients for one embedded AWS, made once per service and region; safe to share between threads."""

    def __init__(self, endpoint: str) -> None:
        """Reach the embedded AWS at `endpoint`, for example `http://localhost:5000`."""
        self.endpoint = endpoint
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None

    @property
    def session(self) -> boto3.Session:
        """A session without any credentials of this machine."""
        if self._session is None:
            self._session = boto3.Session(*_CREDENTIALS)
        return self._session

    def __call__(self, service: str, region: str) -> Any:
        """Return the client of a service in a region."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, region)
            return self._made[service, region]

    def _make(self, service: str, region: str) -> Any:
        # No retries: nothing here is transient, and a retried invocation would run a function twice.
        patient = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=960)
        make: Any = self.session.client
        return make(service, region_name=region, endpoint_url=self.endpoint, config=patient)
