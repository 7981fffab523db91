"""Check that the deployed resources match their templates, service by service."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from localaws.cloudformation.api_shapes import lifecycle_rule
from localaws.deploy import Deployment, NotDeployedError, Stack

Clients = Callable[[str, str], Any]


def assert_deployed(deployment: Deployment, clients: Clients) -> int:
    """Check every bucket, function, schedule, alarm, queue and rule through its own API; returns how many.

    Raises:
        NotDeployedError: one is missing or differs from its template; the message names it.
    """
    return sum(_check(stack, kind, check, clients) for stack in deployment.stacks for kind, check in _CHECKS.items())


def _check(stack: Stack, kind: str, check: Callable[..., None], clients: Clients) -> int:
    resources = stack.of_type(kind)
    for name, properties in resources.items():
        try:
            check(lambda service: clients(service, stack.region), name, properties)
        except (ClientError, KeyError, IndexError, AssertionError) as error:
            detail = f"{kind} {name} in {stack.region}: {type(error).__name__} {error}"
            raise NotDeployedError(detail) from error
    return len(resources)


def _same(what: str, found: object, asked: object) -> None:
    if found != asked:
        raise NotDeployedError(f"{what}: found {found!r}, the template says {asked!r}")


def _bucket(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    s3 = client("s3")
    s3.head_bucket(Bucket=name)
    if "VersioningConfiguration" in asked:
        _same("versioning", s3.get_bucket_versioning(Bucket=name).get("Status"), "Enabled")
    if "ObjectLockConfiguration" in asked:
        found = s3.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
        set_for = {key: value for key, value in found.items() if value}  # moto adds "Years": 0
        _same("lock", set_for, asked["ObjectLockConfiguration"]["Rule"]["DefaultRetention"])
    if "LifecycleConfiguration" in asked:
        rules = asked["LifecycleConfiguration"]["Rules"]
        wanted = [lifecycle_rule(rule, number) for number, rule in enumerate(rules)]
        _same("lifecycle", s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"], wanted)
    if "ReplicationConfiguration" in asked:
        rules = asked["ReplicationConfiguration"]["Rules"]
        found = s3.get_bucket_replication(Bucket=name)["ReplicationConfiguration"]["Rules"]
        _same("replication rules", [rule["ID"] for rule in found], [rule["Id"] for rule in rules])
    if "PublicAccessBlockConfiguration" in asked:
        found = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
        _same("public access", found, asked["PublicAccessBlockConfiguration"])


def _function(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    found = client("lambda").get_function_configuration(FunctionName=name)
    for key in ("Handler", "Runtime", "Timeout", "MemorySize"):
        if key in asked:
            _same(key, found[key], asked[key])
    names = set(asked.get("Environment", {}).get("Variables", {}))
    _same("variables", set(found.get("Environment", {}).get("Variables", {})), names)
    mounts = [one["LocalMountPath"] for one in asked.get("FileSystemConfigs", [])]
    _same("mounts", [one["LocalMountPath"] for one in found.get("FileSystemConfigs", [])], mounts)


def _schedule(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    rows = client("scheduler").list_schedules()["Schedules"]
    group = next(row["GroupName"] for row in rows if row["Name"] == name)
    found = client("scheduler").get_schedule(Name=name, GroupName=group)
    _same("expression", found["ScheduleExpression"], asked["ScheduleExpression"])
    _same("dead letters", "DeadLetterConfig" in found["Target"], "DeadLetterConfig" in asked["Target"])


def _alarm(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    found = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    _same("missing data", found.get("TreatMissingData"), asked.get("TreatMissingData"))
    _same("periods", found["EvaluationPeriods"], asked["EvaluationPeriods"])
    _same("actions", len(found.get("AlarmActions", [])), len(asked.get("AlarmActions", [])))


def _composite_alarm(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    found = client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
    _same("actions", len(found.get("AlarmActions", [])), len(asked.get("AlarmActions", [])))


def _queue(client: Callable[[str], Any], url: str, _asked: Mapping[str, Any]) -> None:
    client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])


def _rule(client: Callable[[str], Any], name: str, asked: Mapping[str, Any]) -> None:
    targets = client("events").list_targets_by_rule(Rule=name.rsplit("/", 1)[-1].rsplit("|", 1)[-1])["Targets"]
    _same("targets", len(targets), len(asked["Targets"]))


_CHECKS: dict[str, Callable[..., None]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::Lambda::Function": _function,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::CompositeAlarm": _composite_alarm,
    "AWS::SQS::Queue": _queue,
    "AWS::Events::Rule": _rule,
}
