"""Helpers of the alarm tests: let time pass, run the monitor, list the alarms that fire."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta

from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World
from tests.e2e.moments import fresh_moment

SETTLE = 120.0


def fire(world: World, schedule: str, at: datetime | None = None) -> None:
    """Fire a schedule and wait until everything it triggers is done."""
    moment = at or (datetime.now(UTC) if schedule == "monitor" else fresh_moment())
    world.aws.control.fire(schedule, region=PRIMARY, at=moment)
    world.aws.control.settle(SETTLE)


def firing(world: World, *, later: timedelta = timedelta(seconds=1), region: str = PRIMARY) -> set[str]:
    """Return the names, without their prefix, of a region's alarms that are in ALARM after this time."""
    prefix = f"sqlitevault-{STAGE}-" + ("" if region == PRIMARY else "recovery-")
    changes = world.aws.control.evaluate_alarms(datetime.now(UTC) + later)
    return {
        change.name.removeprefix(prefix) for change in changes if change.after == "ALARM" and change.region == region
    }


def firing_after_a_while(world: World, *, region: str = PRIMARY) -> set[str]:
    """Return the alarms that are in ALARM long after the cause, when the schedules have run again."""
    empty_dead_letters(world)
    world.aws.control.forget_metrics()
    fire(world, "hourly")
    fire(world, "monitor")
    return firing(world, region=region)


def hide_backups(world: World) -> None:
    """Hide all backups behind delete markers, in vault and replica."""
    for region, bucket in ((PRIMARY, world.vault), (RECOVERY, world.replica)):
        s3 = world.s3(region)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="backups/"):
            for entry in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
    world.aws.control.settle(SETTLE)


def forget_backups(world: World) -> None:
    """Delete all versions of all backups, in vault and replica: as on the first day."""
    for region, bucket in ((PRIMARY, world.vault), (RECOVERY, world.replica)):
        s3 = world.s3(region)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="backups/"):
            found = [
                {"Key": entry["Key"], "VersionId": entry["VersionId"]}
                for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
            ]
            if found:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": found}, BypassGovernanceRetention=True)
    world.aws.control.settle(SETTLE)


def change(world: World, statements: Iterable[str]) -> None:
    """Change the live database."""
    with closing(sqlite3.connect(world.database, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def subscribed_queue(world: World) -> str:
    """Return the URL of a queue that receives the alarms of the primary region."""
    stack = next(one for one in world.deployment.stacks if one.region == PRIMARY)
    queues, topics = world.aws.client("sqs", PRIMARY), world.aws.client("sns", PRIMARY)
    url = str(queues.create_queue(QueueName="alarms")["QueueUrl"])
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in stack.of_type("AWS::SNS::Topic"):
        topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def messages(world: World, queue: str, *, region: str = PRIMARY) -> str:
    """Take every message out of a queue and return their texts."""
    client, texts = world.aws.client("sqs", region), []
    while received := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
        for message in received:
            texts.append(message["Body"])
            client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return "\n".join(texts)


def empty_dead_letters(world: World) -> None:
    """Empty the dead-letter queues, as an operator does when the cause is fixed."""
    for stack in world.deployment.stacks:
        for url in stack.of_type("AWS::SQS::Queue"):
            messages(world, url, region=stack.region)
