"""Alarms in CloudWatch and SNS."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
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


def alarms_at(location: str, database: str) -> tuple[Alarm, ...]:
    """Return the alarms on a database's metrics in the region of the vault at `s3://bucket/prefix/`, in order of name.

    Raises:
        VaultUnavailable: the alarms, or the bucket's region, cannot be read.
        ConfigError: AWS_ENDPOINT_URL is not a URL.
    """
    bucket, _ = split_uri(location)
    session = boto3.Session()
    with _errors_named():
        # us-east-1 is returned as None: Amazon S3 API Reference, GetBucketLocation.
        found = session.client("s3", config=_CLIENT).get_bucket_location(Bucket=bucket)["LocationConstraint"]
        region = str(found or "us-east-1")
        cloudwatch = session.client("cloudwatch", region_name=region, config=_CLIENT)
        return read_alarms(cloudwatch, session.client("sns", region_name=region, config=_CLIENT), database)


def read_alarms(cloudwatch: "CloudWatchClient", sns: "SNSClient", database: str) -> tuple[Alarm, ...]:
    """Return the alarms that these clients see; each topic's confirmed subscriptions are counted once.

    Raises:
        VaultUnavailable: the alarms cannot be read.
    """
    listeners = cache(partial(_listeners, sns))
    with _errors_named():
        pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
        found = [alarm for page in pages for alarm in page["MetricAlarms"] if _watches(alarm, database)]
        read = [_alarm(alarm, sum(map(listeners, _topics(alarm)))) for alarm in found]
    return tuple(sorted(read, key=lambda alarm: alarm.name))


def _listeners(sns: "SNSClient", topic: str) -> int:
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    try:
        # Until it is confirmed, a subscription's ARN is the word PendingConfirmation.
        return sum(entry["SubscriptionArn"].startswith("arn:") for page in pages for entry in page["Subscriptions"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFound":
            return 0  # the topic was deleted, and its subscriptions with it
        raise


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
