"""The runner's place in moto's Lambda: Invoke, and every service that invokes functions, arrive here."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction, lambda_backends

from localaws.background import Background
from localaws.clients import ACCOUNT, Clients
from localaws.file_systems import FileSystems
from localaws.functions.aftermath import record_throttle
from localaws.functions.asynchronous import AsyncSettings, run_to_the_end
from localaws.functions.container import Result
from localaws.functions.facts import FunctionFacts
from localaws.functions.ledger import Ledger, Ran, readable
from localaws.functions.runner import DEFAULT_CONCURRENCY, Deployed, FunctionRunner, ThrottledError
from localaws.network import access_key
from localaws.patching import replace

LOG_TAIL_BYTES = 4096
# Properties that moto's Lambda drops when CloudFormation creates or updates a function.
KEPT_PROPERTIES = ("FileSystemConfigs", "LoggingConfig", "DeadLetterConfig")


class TooManyRequests(LambdaClientError):
    """The answer to an invocation that found all containers busy."""

    code = 429

    def __init__(self, name: str) -> None:
        """Name the function that is busy."""
        super().__init__("TooManyRequestsException", f"Rate Exceeded: all containers of {name} are busy")


class FunctionSeam:
    """Invokes moto's functions through the runner, synchronously or not."""

    def __init__(
        self,
        runner: FunctionRunner,
        ledger: Ledger,
        *,
        background: Background,
        file_systems: FileSystems,
        clients: Clients,
    ) -> None:
        """Keep what an invocation needs."""
        self._runner, self._ledger = runner, ledger
        self._background, self._file_systems, self._clients = background, file_systems, clients

    def install(self) -> None:
        """Replace moto's Docker containers."""

        def plain(function: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
            return self.plain(function, event)

        def api(function: LambdaFunction, body: Any, request_headers: Any, response_headers: Any) -> str | bytes:
            return self.api(function, body, request_headers, response_headers)

        replace(LambdaFunction, "_invoke_lambda", lambda _: plain)
        replace(LambdaFunction, "invoke", lambda _: api)
        for name in ("create_from_cloudformation_json", "update_from_cloudformation_json"):
            replace(LambdaFunction, name, _keeping_properties)
        replace(LambdaFunction, "get_configuration", _showing_properties)

    def plain(self, function: LambdaFunction, event: Any) -> tuple[str, bool, str]:
        """Answer in moto's form: response, whether it failed, log."""
        payload = event if isinstance(event, str) else json.dumps({} if event is None else event)
        result = self._run(self.deployed(function), payload.encode(), trigger="service", attempt=1, wait=True)
        return result.payload.decode(), result.function_error is not None, result.log

    def api(
        self, function: LambdaFunction, body: str | bytes, request_headers: Any, response_headers: Any
    ) -> str | bytes:
        """Answer the Invoke API: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html."""
        payload = body.encode() if isinstance(body, str) else body
        kind = request_headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return b""
        if kind == "Event":
            self.send(function, payload or b"{}", trigger="event")
            return b""
        try:
            result = self._run(self.deployed(function), payload or b"{}", trigger="invoke", attempt=1, wait=False)
        except ThrottledError as error:
            record_throttle(self.deployed(function).facts)
            raise TooManyRequests(function.function_name) from error
        if result.function_error:
            response_headers["x-amz-function-error"] = result.function_error
        response_headers["x-amz-log-result"] = base64.b64encode(result.log.encode()[-LOG_TAIL_BYTES:]).decode()
        return result.payload

    def send(self, function: LambdaFunction, payload: bytes, *, trigger: str) -> None:
        """Invoke asynchronously: return now, run, retry and report failures in the background."""
        deployed, settings = self.deployed(function), async_settings(function)

        def attempt(number: int) -> Result:
            return self._run(deployed, payload, trigger=trigger, attempt=number, wait=True)

        self._background.submit(
            f"{trigger} -> {function.function_name}",
            lambda: run_to_the_end(attempt, settings, deployed, payload, self._clients),
        )

    def deployed(self, function: LambdaFunction) -> Deployed:
        """Convert moto's function to the runner's."""
        kept: Mapping[str, Any] = getattr(function, "kept_properties", {})
        logging = kept.get("LoggingConfig", {})
        mounts = {
            entry["LocalMountPath"]: self._file_systems.directory(entry["Arn"])
            for entry in kept.get("FileSystemConfigs", [])
        }
        facts = FunctionFacts(
            name=function.function_name,
            region=function.region,
            handler=str(function.handler),
            runtime=str(function.run_time),
            timeout=float(function.timeout),
            memory_mb=int(function.memory_size),
            variables={name: str(value) for name, value in function.environment_vars.items()},
            mounts=mounts,
            log_group=logging.get("LogGroup") or f"/aws/lambda/{function.function_name}",
            log_format=logging.get("LogFormat", "Text"),
            access_key=access_key(function.region, in_vpc=in_vpc(function)),
        )
        concurrency = int(function.reserved_concurrency or DEFAULT_CONCURRENCY)
        return Deployed(facts, function.code_bytes, function.code_sha_256, concurrency)

    def _run(self, deployed: Deployed, payload: bytes, *, trigger: str, attempt: int, wait: bool) -> Result:
        result = self._runner.invoke(deployed, payload, wait=wait)
        ran = Ran(
            function=deployed.facts.name,
            region=deployed.facts.region,
            request_id=result.request_id,
            trigger=trigger,
            attempt=attempt,
            event=readable(payload),
            response=readable(result.payload),
            function_error=result.function_error,
            seconds=result.seconds,
            init_seconds=result.init_seconds,
            max_memory_bytes=result.max_memory_bytes,
            log=result.log,
        )
        self._ledger.add(ran)
        return result


def in_vpc(function: LambdaFunction) -> bool:
    """Return whether the function is attached to subnets."""
    return bool((function.vpc_config or {}).get("SubnetIds"))


def async_settings(function: LambdaFunction) -> AsyncSettings:
    """Read the newest event invoke configuration; moto keeps a list."""
    config = function.event_invoke_config[-1].config if function.event_invoke_config else {}
    return AsyncSettings.of(config, getattr(function, "kept_properties", {}).get("DeadLetterConfig", {}))


def find_function(arn: str) -> LambdaFunction | None:
    """Return moto's function of an ARN (with or without version), or None."""
    parts = arn.split(":")
    region, name = parts[3], parts[6]
    return next((f for f in lambda_backends[ACCOUNT][region].list_functions() if f.function_name == name), None)


def _keeping_properties(original: Any) -> Any:
    """Wrap a class method of moto to keep the function's properties that moto drops."""

    def create_or_update(cls: type, *args: Any, **kwargs: Any) -> Any:
        function = original.__get__(None, cls)(*args, **kwargs)
        template = kwargs.get("cloudformation_json") or args[1]
        properties = template["Properties"]
        function.kept_properties = {name: properties[name] for name in KEPT_PROPERTIES if name in properties}
        return function

    return classmethod(create_or_update)


def _showing_properties(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def get_configuration(self: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
        return {**original(self, on_create), **getattr(self, "kept_properties", {})}

    return get_configuration
