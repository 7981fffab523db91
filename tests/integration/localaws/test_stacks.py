"""CloudFormation in the embedded AWS: stacks created, changed and deleted, and visible failures."""

import json

import pytest

from localaws import EmbeddedAws
from tests.integration.localaws.asking import create, reasons
from tests.localaws_stack import DR, PRIMARY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("localaws"), pytest.mark.usefixtures("at_rest")]


def test_stacks_are_created_with_their_outputs(aws: EmbeddedAws) -> None:
    """A created stack is complete, and its outputs name the created resources."""
    stack = aws.client("cloudformation", PRIMARY).describe_stacks(StackName="primary")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}["Function"] == "worker"


def test_an_unknown_resource_type_fails_the_stack(aws: EmbeddedAws) -> None:
    """A resource type that moto would skip fails the stack, with the reason in its events."""
    body = json.dumps({"Resources": {"Thing": {"Type": "AWS::Unheard::Of", "Properties": {}}}})
    stack = create(aws, PRIMARY, "unknown", body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "AWS::Unheard::Of" in reasons(aws, PRIMARY, "unknown")


def test_an_unknown_bucket_property_fails_the_stack(aws: EmbeddedAws) -> None:
    """A bucket property that cannot be applied fails the stack."""
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "odd", "AnalyticsConfigurations": []}}
    assert create(aws, PRIMARY, "odd", json.dumps({"Resources": {"B": bucket}}))["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_stack_is_changed_in_place_and_deleted(aws: EmbeddedAws) -> None:
    """An update changes a schedule's expression and an alarm's threshold; deletion removes both."""

    def body(hour: int, threshold: int) -> str:
        target = {
            "Arn": f"arn:aws:lambda:{DR}:123456789012:function:none",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
        }
        schedule = {
            "Name": "changing",
            "ScheduleExpression": f"cron(0 {hour} * * ? *)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
        }
        alarm = {
            "AlarmName": "changing",
            "Namespace": "N",
            "MetricName": "M",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": threshold,
            "Statistic": "Sum",
            "ComparisonOperator": "GreaterThanThreshold",
        }
        resources = {
            "S": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
            "A": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        }
        return json.dumps({"Resources": resources})

    cloudformation = aws.client("cloudformation", DR)
    create(aws, DR, "changing", body(1, 1))
    cloudformation.update_stack(StackName="changing", TemplateBody=body(2, 9))
    assert cloudformation.describe_stacks(StackName="changing")["Stacks"][0]["StackStatus"] == "UPDATE_COMPLETE"
    (schedule,) = aws.control.schedules(DR)
    assert schedule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    alarms = aws.client("cloudwatch", DR).describe_alarms(AlarmNames=["changing"])["MetricAlarms"]
    assert [alarm["Threshold"] for alarm in alarms] == [9]
    cloudformation.delete_stack(StackName="changing")
    assert aws.control.schedules(DR) == []
    assert aws.client("cloudwatch", DR).describe_alarms(AlarmNames=["changing"])["MetricAlarms"] == []


def test_a_change_set_that_does_not_exist_can_be_deleted(aws: EmbeddedAws) -> None:
    """A missing change set can be deleted and is then not found, which the CDK expects before each update or diff."""
    cloudformation = aws.client("cloudformation", PRIMARY)
    named = {"StackName": "primary", "ChangeSetName": "never-made"}
    cloudformation.delete_change_set(**named)
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(**named)
