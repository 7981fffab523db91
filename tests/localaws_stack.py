"""A small stack that uses everything that the embedded AWS simulates, for tests of the embedded AWS itself."""

import json
from typing import Any

PRIMARY, DR = "us-east-1", "us-west-2"
VAULT, REPLICA = "test-vault", "test-replica"

FUNCTION = """
import json, os, time, boto3
def handler(event, context):
    if event.get("fail"): raise ValueError(event["fail"])
    if event.get("sleep"): time.sleep(event["sleep"])
    if event.get("metric") is not None:
        print(json.dumps({"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [
            {"Namespace": "Test", "Dimensions": [["Database"]], "Metrics": [{"Name": "Age", "Unit": "Seconds"}]}]},
            "Database": "db", "Age": [event["metric"]]}))
    if event.get("call"):
        service, region = event["call"]
        client = boto3.client(service, region_name=region)
        if service == "sts": client.get_caller_identity()
        else: client.list_objects_v2(Bucket=event["bucket"])
    return {"event": event, "source": os.environ.get("DATABASE_PATH")}
"""


def _ref(name: str, attribute: str | None = None) -> Any:
    return {"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}


def replica_template() -> str:
    """Return the template of the stack in the recovery region: the replica bucket."""
    bucket = {"BucketName": REPLICA, "VersioningConfiguration": {"Status": "Enabled"}}
    return json.dumps({"Resources": {"Replica": {"Type": "AWS::S3::Bucket", "Properties": bucket}}})


def template(**extra: Any) -> str:
    """Return the template of the stack in the primary region; `extra` are resources by logical id."""
    resources = {**_messages(), **_functions(), **_storage(), **_alarms(), **extra}
    outputs = {
        "Function": {"Value": _ref("Function")},
        "Dlq": {"Value": _ref("Dlq")},
        "AlarmQueue": {"Value": _ref("AlarmQueue")},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def _messages() -> dict[str, Any]:
    subscription = {"TopicArn": _ref("Topic"), "Protocol": "sqs", "Endpoint": _ref("AlarmQueue", "Arn")}
    return {
        "Dlq": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "dlq"}},
        "AlarmQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "alarms"}},
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
        "Subscription": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
    }


def _function(**more: Any) -> dict[str, Any]:
    properties = {
        "Code": {"ZipFile": FUNCTION},
        "Handler": "index.handler",
        "Runtime": "python3.13",
        "Role": _ref("Role", "Arn"),
        "Timeout": 20,
        **more,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def _functions() -> dict[str, Any]:
    mount = {"Arn": _ref("Point", "Arn"), "LocalMountPath": "/mnt/source"}
    source = {"Variables": {"DATABASE_PATH": "/mnt/source/data/app.db"}}
    subnets = {"SubnetIds": [_ref("Subnet")], "SecurityGroupIds": [_ref("Group", "GroupId")]}
    failures = {"OnFailure": {"Destination": _ref("Dlq", "Arn")}}
    target = {
        "Arn": _ref("Function", "Arn"),
        "RoleArn": _ref("Role", "Arn"),
        "Input": '{"tier": "hourly", "scheduled_time": "<aws.scheduler.scheduled-time>"}',
        "DeadLetterConfig": {"Arn": _ref("Dlq", "Arn")},
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}},
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/24"}},
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": _ref("Vpc"), "CidrBlock": "10.0.0.0/25"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"VpcId": _ref("Vpc"), "GroupDescription": "functions"},
        },
        "FileSystem": {"Type": "AWS::EFS::FileSystem", "Properties": {}},
        "Point": {"Type": "AWS::EFS::AccessPoint", "Properties": {"FileSystemId": _ref("FileSystem")}},
        "Function": _function(FunctionName="worker", FileSystemConfigs=[mount], Environment=source),
        "Isolated": _function(FunctionName="isolated", VpcConfig=subnets),
        "Single": _function(FunctionName="single", ReservedConcurrentExecutions=1),
        "Invoke": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": _ref("Function"),
                "Qualifier": "$LATEST",
                "MaximumRetryAttempts": 1,
                "DestinationConfig": failures,
            },
        },
        "Hourly": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "cron(5 * * * ? *)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": target,
            },
        },
    }


def _storage() -> dict[str, Any]:
    rule = {
        "Id": "to-dr",
        "Status": "Enabled",
        "Priority": "1",
        "Filter": {"Prefix": "backups/"},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{REPLICA}"},
    }
    vault = {
        "BucketName": VAULT,
        "VersioningConfiguration": {"Status": "Enabled"},
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        "ReplicationConfiguration": {"Role": _ref("Role", "Arn"), "Rules": [rule]},
    }
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [VAULT]}, "object": {"key": [{"prefix": "inbox/"}]}},
    }
    inbox = {"EventPattern": pattern, "Targets": [{"Id": "t", "Arn": _ref("Function", "Arn")}]}
    return {
        "Vault": {"Type": "AWS::S3::Bucket", "Properties": vault},
        "Inbox": {"Type": "AWS::Events::Rule", "Properties": inbox},
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": _ref("Vault"), "PolicyDocument": {}}},
    }


def _alarm(name: str, namespace: str, metric: str, dimension: tuple[str, Any], **more: Any) -> dict[str, Any]:
    properties = {
        "AlarmName": name,
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
        "Period": 300,
        "EvaluationPeriods": 1,
        "Statistic": "Maximum",
        "AlarmActions": [_ref("Topic")],
        "OKActions": [_ref("Topic")],
        **more,
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _alarms() -> dict[str, Any]:
    above = {"ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}
    age = _alarm(
        "too-old", "Test", "Age", ("Database", "db"), Threshold=3600, TreatMissingData="breaching",
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    errors = _alarm("errors", "AWS/Lambda", "Errors", ("FunctionName", _ref("Function")), Threshold=0, **above)
    dead = _alarm(
        "dead-letters", "AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName", _ref("Dlq", "QueueName")),
        Threshold=0, **above,
    )  # fmt: skip
    any_of = {"AlarmName": "unhealthy", "AlarmRule": 'ALARM("too-old") OR ALARM("errors")'}
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": any_of, "DependsOn": ["TooOld", "Errors"]}
    return {"TooOld": age, "Errors": errors, "Dead": dead, "Unhealthy": composite}
