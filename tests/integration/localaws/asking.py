"""Frequent requests of the embedded AWS's tests."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from localaws import EmbeddedAws
from tests.localaws_stack import PRIMARY


def create(aws: EmbeddedAws, region: str, name: str, body: str) -> dict[str, Any]:
    """Create a stack and return its description, whether it succeeded or failed."""
    cloudformation = aws.client("cloudformation", region)
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    description: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return description


def reasons(aws: EmbeddedAws, region: str, name: str) -> str:
    """Return the reasons in a stack's events."""
    events = aws.client("cloudformation", region).describe_stack_events(StackName=name)["StackEvents"]
    return " ".join(event.get("ResourceStatusReason", "") for event in events)


def invoke(aws: EmbeddedAws, event: dict[str, Any], function: str = "worker") -> tuple[str | None, Any]:
    """Invoke a function and return its function error and its answer."""
    answer = aws.client("lambda", PRIMARY).invoke(FunctionName=function, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.load(answer["Payload"])


def messages(aws: EmbeddedAws, queue: str) -> list[Any]:
    """Take all messages out of a queue."""
    sqs = aws.client("sqs", PRIMARY)
    url, taken = sqs.get_queue_url(QueueName=queue)["QueueUrl"], []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken.append(json.loads(message["Body"]))
    return taken


def ran(aws: EmbeddedAws, function: str, action: Callable[[], object]) -> list[Any]:
    """Return the invocations of a function that an action caused."""
    before = len(aws.control.invocations(function))
    action()
    aws.control.settle()
    return aws.control.invocations(function)[before:]


def states(aws: EmbeddedAws, now: datetime | None = None) -> dict[str, str]:
    """Evaluate the alarms and return their states by name."""
    return {change.name: change.after for change in aws.control.evaluate_alarms(now)}
