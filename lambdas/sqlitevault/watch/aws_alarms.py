"""Alarms in CloudWatch and SNS."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sqlitevault.ground.errors import VaultUnavailable
from sqlitevault.ground.facts import METRIC_DIMENSION, METRIC_NAMESPACE
from sqlitevault.vault.s3.vault import split_uri
from sqlitevault.watch.alarms import Alarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricAlarmTypeDef
    from mypy_boto3_sns import SNSClient

_CLIENT = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})
_TOPIC = ":sns:"
# Anomaly detection alarms have other operators and no threshold.
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": ">=",
    "GreaterThanThreshold": ">",
    "LessThanOrEqualToThreshold": "<=",
    "LessThanThreshold": "<",
}


class AwsAlarms:
    """Alarms in one region."""

    def __init__(self, cloudwatch: "CloudWatchClient", sns: "SNSClient") -> None:
        """Use these clients."""
        self._cloudwatch, self._sns = cloudwatch, sns

    def watching(self, database: str) -> tuple[Alarm, ...]:
        """Page through the alarms; count each topic's confirmed subscriptions once."""
        listeners = cache(self._listeners)
        with _errors_named():
            found = [alarm for alarm in self._all() if _watches(alarm, database)]
            read = [_alarm(alarm, sum(map(listeners, _topics(alarm)))) for alarm in found]
        return tuple(sorted(read, key=lambda alarm: alarm.name))

    def _all(self) -> "Iterator[MetricAlarmTypeDef]":
        for page in self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"]):
            yield from page["MetricAlarms"]

    def _listeners(self, topic: str) -> int:
        pages = self._sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        try:
            # Until it is confirmed, a subscription's ARN is the word PendingConfirmation.
            return sum(entry["SubscriptionArn"].startswith("arn:") for page in pages for entry in page["Subscriptions"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NotFound":
                return 0  # the topic was deleted, and its subscriptions with it
            raise


def open_aws_alarms(location: str) -> AwsAlarms:
    """Return the alarms of the vault at `s3://bucket/prefix/`, which are in its bucket's region.

    Raises:
        VaultUnavailable: the region cannot be found out.
        ConfigError: AWS_ENDPOINT_URL is not a URL.
    """
    bucket, _ = split_uri(location)
    session = boto3.Session()
    with _errors_named():
        # us-east-1 is returned as None: Amazon S3 API Reference, GetBucketLocation.
        found = session.client("s3", config=_CLIENT).get_bucket_location(Bucket=bucket)["LocationConstraint"]
        region = str(found or "us-east-1")
        return AwsAlarms(
            session.client("cloudwatch", region_name=region, config=_CLIENT),
            session.client("sns", region_name=region, config=_CLIENT),
        )


def _watches(alarm: "MetricAlarmTypeDef", database: str) -> bool:
    wanted = {"Name": METRIC_DIMENSION, "Value": database}
    return alarm.get("Namespace") == METRIC_NAMESPACE and wanted in alarm.get("Dimensions", [])


def _topics(alarm: "MetricAlarmTypeDef") -> list[str]:
    return [action for action in alarm.get("AlarmActions", []) if _TOPIC in action]


def _alarm(alarm: "MetricAlarmTypeDef", listeners: int) -> Alarm:
    return Alarm(
        name=alarm["AlarmName"],
        metric=alarm.get("MetricName", ""),
        armed=alarm.get("ActionsEnabled", False) and bool(_topics(alarm)),
        listeners=listeners,
        firing=alarm.get("StateValue") == "ALARM",
        comparison=_COMPARISONS.get(alarm.get("ComparisonOperator", ""), ""),
        threshold=alarm.get("Threshold", math.nan),
        on_missing_data=alarm.get("TreatMissingData") == "breaching",
    )


@contextmanager
def _errors_named() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise VaultUnavailable(
            f"the alarms cannot be read: {error}",
            hint="The credentials need cloudwatch:DescribeAlarms, sns:ListSubscriptionsByTopic and "
            "s3:GetBucketLocation; check the network and AWS_PROFILE.",
        ) from error
