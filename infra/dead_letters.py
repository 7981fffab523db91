"""Dead-letter queues: events that failed after all their retries."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.nag import acknowledge


def dead_letter_queue(scope: Construct) -> sqs.Queue:
    """Make the dead-letter queue of `scope`; it keeps an event for two weeks."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    acknowledge(queue, "SQS3", "This queue is the dead-letter queue.")
    return queue
