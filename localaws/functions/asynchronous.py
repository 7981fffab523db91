"""Simulation of Lambda's asynchronous invocation: retries, then a dead-letter queue or an on-failure destination.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (the record's shape).
Not simulated: the wait before a retry (one minute, then two).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localaws.clients import Clients
from localaws.functions.container import Result
from localaws.functions.ledger import readable
from localaws.functions.runner import Deployed

DEFAULT_RETRIES = 2


@dataclass(frozen=True, slots=True)
class AsyncSettings:
    """A function's event invoke configuration and dead-letter configuration; ARNs."""

    retries: int = DEFAULT_RETRIES
    on_success: str | None = None
    on_failure: str | None = None
    dead_letters: str | None = None

    @classmethod
    def of(cls, event_invoke: Mapping[str, Any], dead_letter: Mapping[str, Any]) -> "AsyncSettings":
        """Read them from the API's shapes; both may be empty."""
        destinations = event_invoke.get("DestinationConfig", {})
        return cls(
            retries=int(event_invoke.get("MaximumRetryAttempts", DEFAULT_RETRIES)),
            on_success=destinations.get("OnSuccess", {}).get("Destination"),
            on_failure=destinations.get("OnFailure", {}).get("Destination"),
            dead_letters=dead_letter.get("TargetArn"),
        )


def run_to_the_end(
    attempt: Callable[[int], Result], settings: AsyncSettings, function: Deployed, payload: bytes, clients: Clients
) -> None:
    """Call `attempt(number)` until it succeeds or the retries are used up, then notify the destinations."""
    for number in range(1, settings.retries + 2):
        result = attempt(number)
        if result.function_error is None:
            break
    record = _record(function, payload, result, number)
    if result.function_error is None:
        _send(settings.on_success, record, clients)
        return
    _send(settings.on_failure, record, clients)
    _send(settings.dead_letters, readable(payload), clients)


def _record(function: Deployed, payload: bytes, result: Result, attempts: int) -> dict[str, Any]:
    condition = "Success" if result.function_error is None else "RetriesExhausted"
    response_context: dict[str, Any] = {"statusCode": 200, "executedVersion": "$LATEST"}
    if result.function_error:
        response_context["functionError"] = result.function_error
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": result.request_id,
            "functionArn": f"{function.facts.arn}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": readable(payload),
        "responseContext": response_context,
        "responsePayload": readable(result.payload),
    }


def _send(arn: str | None, message: Any, clients: Clients) -> None:
    if arn is not None:
        send_to(arn, json.dumps(message), clients)


def send_to(arn: str, body: str, clients: Clients, attributes: Mapping[str, str] | None = None) -> None:
    """Put `body` into the queue or topic `arn`.

    Raises:
        NotImplementedError: `arn` belongs to another service.
    """
    service, region = arn.split(":")[2:4]
    extra = {name: {"DataType": "String", "StringValue": value} for name, value in (attributes or {}).items()}
    if service == "sqs":
        sqs = clients("sqs", region)
        url = sqs.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=extra)
    elif service == "sns":
        clients("sns", region).publish(TopicArn=arn, Message=body, MessageAttributes=extra)
    else:
        raise NotImplementedError(f"the embedded AWS cannot send to {arn}")
