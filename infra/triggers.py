"""Triggers: EventBridge rules that invoke a function for each new object in a bucket."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct


class OnCreated(Construct):
    """Invokes a function for each object that is created in a bucket and whose key matches.

    A function must not write objects that match its own pattern.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: str,
        key: dict[str, str],
        function: lambda_.IFunction,
        dead_letters: sqs.IQueue,
    ) -> None:
        """Match `key` as an EventBridge pattern: `{"prefix": …}` or `{"wildcard": …}`."""
        super().__init__(scope, construct_id)
        events.Rule(
            self,
            "Rule",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [bucket]}, "object": {"key": [key]}},
            ),
            targets=[
                targets.LambdaFunction(
                    function, dead_letter_queue=dead_letters, retry_attempts=3, max_event_age=Duration.hours(1)
                )
            ],
        )
