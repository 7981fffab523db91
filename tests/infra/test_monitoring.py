"""Deployed alarms: metric, threshold, topic and runbook; the dashboard."""

import json
import re
from pathlib import Path

import pytest

from sqlitevault.ground.facts import Metric
from tests.synthesis import Deployment, Properties, Synthesised, synthesise, text

STACKS = ["primary", "recovery"]
# Alarm -> (metric, statistic, comparison, threshold, periods of 15 minutes, missing data)
OURS = {
    "NoProvenBackup": ("ProvenBackupAgeSeconds", "Maximum", ">=", 4500, 1, "breaching"),
    "NoBackup": ("BackupSucceeded", "Sum", "<", 1, 5, "breaching"),
    "BackupFailed": ("BackupFailed", "Sum", ">=", 1, 1, "notBreaching"),
    "DrillFailed": ("DrillFailed", "Sum", ">=", 1, 1, "notBreaching"),
    "RecoverySlow": ("RecoverySeconds", "Maximum", ">=", 450, 1, "notBreaching"),
    "ReplicaBehind": ("ReplicaAgeSeconds", "Maximum", ">=", 5400, 1, "breaching"),
    "ReplicationFailed": ("ReplicationFailed", "Maximum", ">=", 1, 1, "notBreaching"),
    "NoReplicaDrill": ("ReplicaDrillAgeSeconds", "Maximum", ">=", 2_721_600, 1, "breaching"),
    "MassDeletion": ("LargestTableLossPercent", "Maximum", ">=", 20, 1, "notBreaching"),
    "SuspiciousGrowth": ("DatabaseChangePercent", "Maximum", ">=", 50, 1, "notBreaching"),
    "SuspiciousShrink": ("DatabaseChangePercent", "Minimum", "<", -50, 1, "notBreaching"),
    "MissingTier": ("MissingTiers", "Maximum", ">=", 1, 1, "notBreaching"),
    "VaultDrift": ("VaultDrift", "Maximum", ">=", 1, 1, "notBreaching"),
}
COMPARISONS = {"GreaterThanOrEqualToThreshold": ">=", "LessThanThreshold": "<"}


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest, deployment: Deployment) -> Synthesised:
    """Each of the two stacks."""
    found: Synthesised = getattr(deployment, request.param)
    return found


def alarms(stack: Synthesised) -> dict[str, Properties]:
    """Return a stack's alarms by the last word of their name."""
    return {text(a["AlarmName"]).rpartition("-")[2]: a for a in stack.all("AWS::CloudWatch::Alarm").values()}


@pytest.mark.parametrize("name", list(OURS))
def test_an_alarm_on_our_own_metric(primary: Synthesised, name: str) -> None:
    """An alarm has its namespace, dimension, threshold and periods; on ages, missing data fires it."""
    alarm = alarms(primary)[name]
    assert alarm["Namespace"] == "SqliteVault"
    assert alarm["Dimensions"] == [{"Name": "Database", "Value": "devops_hub"}]
    assert alarm["Period"] == 900
    assert (
        alarm["MetricName"],
        alarm["Statistic"],
        COMPARISONS[alarm["ComparisonOperator"]],
        alarm["Threshold"],
        alarm["EvaluationPeriods"],
        alarm["TreatMissingData"],
    ) == OURS[name]


def test_the_longest_rpo_can_be_deployed(tmp_path: Path) -> None:
    """With the longest RPO no alarm looks back more than a day, which CloudWatch would refuse."""
    for alarm in alarms(synthesise(tmp_path, rpo_minutes="1425").primary).values():
        assert alarm["EvaluationPeriods"] * alarm["Period"] <= 86_400


def test_every_watched_metric_is_emitted(primary: Synthesised) -> None:
    """Every metric of an alarm or the dashboard is one that the functions emit."""
    lambdas = Path(__file__).parents[2] / "lambdas"
    emitters = [lambdas / "sqlitevault/functions/telemetry.py", *lambdas.glob("*/handler.py")]
    emitted = {name for path in emitters for name in re.findall(r"\bMetric\.([A-Z_]+)", path.read_text())}
    assert emitted == set(Metric.__members__)
    watched = {
        a["MetricName"] for a in primary.all("AWS::CloudWatch::Alarm").values() if a["Namespace"] == "SqliteVault"
    }
    drawn = set(re.findall(r'"SqliteVault","(\w+)"', text(primary.one("AWS::CloudWatch::Dashboard")["DashboardBody"])))
    assert drawn >= {"ProvenBackupAgeSeconds", "RecoverySeconds", "WriterStallSeconds"}
    assert watched | drawn <= set(Metric)


def test_the_alarm_on_s3s_replication_metric(primary: Synthesised) -> None:
    """The alarm on failed replication watches S3's metric of this rule between these buckets."""
    alarm = alarms(primary)["ReplicationErrors"]
    (rule,) = primary.bucket()[1]["ReplicationConfiguration"]["Rules"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/S3", "OperationsFailedReplication")
    dimensions = {dimension["Name"]: text(dimension["Value"]) for dimension in alarm["Dimensions"]}
    assert dimensions == {
        "SourceBucket": text(primary.bucket()[1]["BucketName"]),
        "DestinationBucket": text(rule["Destination"]["Bucket"]).removeprefix("arn:aws:s3:::"),
        "RuleId": rule["Id"],
    }


def test_errors_and_slowness_of_every_function(stack: Synthesised) -> None:
    """Each function has an alarm on one error, and one on half of its time limit."""
    made = alarms(stack)
    for verb in stack.functions():
        for name, metric, threshold in (("Errors", "Errors", 1), ("Slow", "Duration", 450_000)):
            alarm = made[f"{verb.title()}{name}"]
            assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
            assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": stack.function_id(verb)}}]
            assert (alarm["Threshold"], alarm["TreatMissingData"]) == (threshold, "notBreaching")


def test_every_dead_letter_queue_has_an_alarm(stack: Synthesised) -> None:
    """One message in any dead-letter queue fires an alarm."""
    watched = {
        text(alarm["Dimensions"][0]["Value"])
        for alarm in stack.all("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ApproximateNumberOfMessagesVisible"
        and (alarm["Threshold"], alarm["TreatMissingData"]) == (1, "notBreaching")
    }
    assert watched == {f"<{queue}.QueueName>" for queue in stack.all("AWS::SQS::Queue")}


def test_every_alarm_notifies_and_names_its_runbook(stack: Synthesised) -> None:
    """Each alarm notifies the topic when it fires and clears; its description gives a first step and a runbook."""
    topic = {f"<{name}>" for name in stack.all("AWS::SNS::Topic")}
    made = [*stack.all("AWS::CloudWatch::Alarm").values(), *stack.all("AWS::CloudWatch::CompositeAlarm").values()]
    assert len(topic) == 1
    for alarm in made:
        assert {text(action) for action in alarm["AlarmActions"]} == topic
        assert {text(action) for action in alarm["OKActions"]} == topic
        assert re.fullmatch(r"\w.*\. First: [A-Z].*\. Runbook: docs/runbooks/[a-z-]+\.md", alarm["AlarmDescription"])


def test_alarms_of_both_regions_have_different_names(deployment: Deployment) -> None:
    """No alarm name occurs in both regions, because in a mail only the name shows the region."""
    names = [
        text(alarm["AlarmName"])
        for stack in (deployment.primary, deployment.recovery)
        for alarm in stack.all("AWS::CloudWatch::Alarm").values()
    ]
    assert len(names) == len(set(names))


def test_cloudwatch_may_publish_to_the_encrypted_topic(stack: Synthesised) -> None:
    """Key and topic policies let CloudWatch publish; otherwise notifications would be lost without an error."""
    (name,) = stack.all("AWS::SNS::Topic")
    key = stack.all("AWS::SNS::Topic")[name]["KmsMasterKeyId"]["Fn::GetAtt"][0]
    assert stack.all("AWS::KMS::Key")[key]["EnableKeyRotation"] is True
    granted = _granted(stack.all("AWS::KMS::Key")[key]["KeyPolicy"])
    assert granted["kms:Decrypt"] == granted["kms:GenerateDataKey*"] == {}
    policy = stack.one("AWS::SNS::TopicPolicy")
    assert policy["Topics"] == [{"Ref": name}]
    assert _granted(policy["PolicyDocument"]) == {
        "sns:Publish": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    }
    denied = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
    assert [s["Condition"] for s in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def _granted(policy: Properties) -> dict[str, object]:
    return {
        action: statement.get("Condition", {})
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }


def test_an_address_is_subscribed_if_there_is_one(deployment: Deployment, on_existing: Deployment) -> None:
    """An address is subscribed in both regions; without one there is no subscription."""
    for stack in (deployment.primary, deployment.recovery):
        subscription = stack.one("AWS::SNS::Subscription")
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert on_existing.primary.all("AWS::SNS::Subscription") == {}


def test_the_composite_alarm(primary: Synthesised) -> None:
    """The composite alarm fires without a proven backup, with a late replica, or with a slow recovery."""
    rule = text(primary.one("AWS::CloudWatch::CompositeAlarm")["AlarmRule"])
    by_id = {n: text(a["AlarmName"]) for n, a in primary.all("AWS::CloudWatch::Alarm").items()}
    within = {by_id[name].rpartition("-")[2] for name in re.findall(r'ALARM\("<(\w+)\.Arn>"\)', rule)}
    assert within == {"NoProvenBackup", "ReplicaBehind", "RecoverySlow"}
    assert rule.count(" OR ") == 2
    assert " AND " not in rule


def test_the_dashboard_has_the_lines_of_the_page(tmp_path: Path) -> None:
    """The dashboard draws every chart of `sqlitevault report`, with the deployed limits as lines."""
    chosen = synthesise(tmp_path, rpo_minutes="90", rto_minutes="30", mass_deletion_percent="10").primary
    body = json.loads(text(chosen.one("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    graphs = [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]
    drawn = {metric[1]: graph for graph in graphs for metric in graph["metrics"]}
    assert set(drawn) >= {
        "ProvenBackupAgeSeconds", "RecoverySeconds", "DatabaseBytes", "ArchiveBytes", "Rows", "WriterStallSeconds",
        "ReplicaAgeSeconds", "ReplicationPendingSeconds", "DrillSucceeded", "DrillFailed", "MissingTiers", "VaultBytes",
        "LargestTableLossPercent",
    }  # fmt: skip
    lines = {
        name: [(line["label"], line["value"]) for line in graph.get("annotations", {}).get("horizontal", [])]
        for name, graph in drawn.items()
    }
    assert lines["ProvenBackupAgeSeconds"] == [("RPO", 5400)]
    assert lines["RecoverySeconds"] == [("RTO", 1800)]
    assert lines["ReplicationPendingSeconds"] == [("limit of S3", 900)]
    assert lines["LargestTableLossPercent"] == [("alarm", 10)]


def test_the_dashboard_shows_every_alarm(primary: Synthesised) -> None:
    """The dashboard is valid JSON and shows the state of every alarm."""
    body = json.loads(text(primary.one("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    shown = {arn for widget in body["widgets"] for arn in widget["properties"].get("alarms", [])}
    assert shown == {f"<{name}.Arn>" for name in primary.all("AWS::CloudWatch::Alarm")}
    assert {widget["type"] for widget in body["widgets"]} == {"alarm", "metric"}
