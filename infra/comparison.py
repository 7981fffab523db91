"""Comparison of a stack's deployed template with a new one: what the new one would replace, detach or shorten.

The templates are compared by logical id, as CloudFormation does: a resource whose logical id is missing leaves the
stack, and one whose identity changes is replaced. Identities: CloudFormation Template Reference, the properties whose
update "requires: replacement".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Template = Mapping[str, Any]

KINDS = ("file-system", "database", "bucket", "key", "subscription", "retention")
_LOGICAL = re.compile(r"<(\w+)(?:\.\w+)?>")
_PARTITION = {"AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
# Kind, what a sentence calls it, and the properties that are its identity.
_IDENTITIES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "AWS::EFS::FileSystem": (
        "file-system", "the file system", ("Encrypted", "KmsKeyId", "PerformanceMode", "AvailabilityZoneName"),
    ),
    "AWS::S3::Bucket": ("bucket", "the bucket", ("BucketName",)),
    "AWS::KMS::Key": ("key", "the key", ("KeySpec", "KeyUsage", "MultiRegion", "Origin")),
    "AWS::SNS::Topic": ("subscription", "the alarms' topic with its subscriptions", ("TopicName", "FifoTopic")),
    "AWS::SNS::Subscription": ("subscription", "the subscription of", ("TopicArn", "Protocol", "Endpoint")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that a deployment would replace, detach or shorten: its kind, and a sentence that names it."""

    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack as it is deployed: its region, its template, and the physical ids of its resources by logical id."""

    name: str
    region: str
    template: Template
    physical_ids: Mapping[str, str]


def losses(old: Deployed, new: Template) -> Iterator[Loss]:
    """Yield what deploying the template `new` over the stack `old` would replace, detach or shorten."""

    def named(found: re.Match[str]) -> str:
        return old.physical_ids.get(found[1], f"new {found[1]}")

    for loss in _losses(old, new):
        yield Loss(loss.kind, _LOGICAL.sub(named, loss.sentence))


def _losses(old: Deployed, new: Template) -> Iterator[Loss]:
    before, after = (_Resources(template, old.region) for template in (old.template, new))
    for logical_id, resource in before.all.items():
        if resource["Type"] in _IDENTITIES:
            kind, called, _ = _IDENTITIES[resource["Type"]]
            named = f"{called} {_own_name(resource) or f'<{logical_id}>'} of {old.name}"
            if logical_id not in after.all:
                yield Loss(kind, f"{named} would no longer be part of the stack")
            elif changed := _changed(before.identity(logical_id), after.identity(logical_id)):
                yield Loss(kind, f"{named} would be replaced: {changed}")
    yield from _detached(old.name, before, after)
    kept = after.retention()
    for (logical_id, prefix), days in before.retention().items():
        if logical_id in after.all and (left := kept.get((logical_id, prefix), days)) < days:
            shorter = f"delete {prefix} after {left} days instead of {days}"
            yield Loss("retention", f"the bucket <{logical_id}> of {old.name} would {shorter}")


def _detached(stack: str, before: "_Resources", after: "_Resources") -> Iterator[Loss]:
    mounted = after.mounts()
    for function, (place, database) in before.mounts().items():
        new_place, new_database = mounted.get(function, ("nothing", database))
        if new_place != place:
            yield Loss("file-system", f"{function} of {stack} would mount {new_place} instead of {place}")
        if new_database != database:
            yield Loss("database", f"{function} of {stack} would use {new_database} instead of {database}")
    for kind, what, of in (
        ("bucket", "replicated to", _Resources.replicas),
        ("key", "encrypted with", _Resources.encryption),
    ):
        new = of(after)
        for logical_id, target in of(before).items():
            if logical_id in after.all and new.get(logical_id) != target:
                change = f"{what} {new.get(logical_id, 'nothing')} instead of {target}"
                yield Loss(kind, f"the bucket <{logical_id}> of {stack} would be {change}")


class _Resources:
    """The resources of a template, with what they refer to written out."""

    def __init__(self, template: Template, region: str) -> None:
        facts = {**_PARTITION, "AWS::Region": region}
        self.all: dict[str, Any] = {
            name: {**resource, "Properties": _resolved(resource.get("Properties", {}), facts)}
            for name, resource in template.get("Resources", {}).items()
        }

    def identity(self, logical_id: str) -> dict[str, str]:
        """Return the properties that make a resource what it is, and its type."""
        resource = self.all[logical_id]
        _, _, names = _IDENTITIES.get(resource["Type"], ("", "", ()))
        return {"Type": resource["Type"]} | {name: str(resource["Properties"].get(name, "")) for name in names}

    def _of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((name, one["Properties"]) for name, one in self.all.items() if one["Type"] == kind)

    def mounts(self) -> dict[str, tuple[str, str]]:
        """Return by function the place that it mounts, and the path of its database."""
        points = dict(self._of_type("AWS::EFS::AccessPoint"))
        found = {}
        for name, function in self._of_type("AWS::Lambda::Function"):
            for mount in function.get("FileSystemConfigs", []):
                point = next((points[name] for name in _LOGICAL.findall(mount["Arn"]) if name in points), {})
                place = f"{point.get('FileSystemId', mount['Arn'])}:{point.get('RootDirectory', {}).get('Path', '/')}"
                variables = function.get("Environment", {}).get("Variables", {})
                found[function.get("FunctionName", name)] = (place, variables.get("DATABASE_PATH", ""))
        return found

    def replicas(self) -> dict[str, str]:
        """Return where buckets are replicated to, by logical id."""
        return {
            name: ", ".join(rule["Destination"]["Bucket"] for rule in bucket["ReplicationConfiguration"]["Rules"])
            for name, bucket in self._of_type("AWS::S3::Bucket")
            if "ReplicationConfiguration" in bucket
        }

    def retention(self) -> dict[tuple[str, str], int]:
        """Return after how many days objects are deleted, by the logical id of the bucket and their prefix."""
        return {
            (name, rule.get("Prefix", "all objects")): rule["ExpirationInDays"]
            for name, bucket in self._of_type("AWS::S3::Bucket")
            for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
            if "ExpirationInDays" in rule
        }

    def encryption(self) -> dict[str, str]:
        """Return the keys of the buckets that have one, by logical id."""
        found = {}
        for name, bucket in self._of_type("AWS::S3::Bucket"):
            rules = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [])
            keys = [rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID") for rule in rules]
            if any(keys):
                found[name] = ", ".join(filter(None, keys))
        return found


def _own_name(resource: Mapping[str, Any]) -> str | None:
    """Return the address of a subscription: its physical id is an ARN that says nothing to people."""
    endpoint = resource["Properties"].get("Endpoint")
    return endpoint if resource["Type"] == "AWS::SNS::Subscription" and isinstance(endpoint, str) else None


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    changes = [f"{name} {value or 'unset'} -> {after.get(name) or 'unset'}" for name, value in before.items()
               if after.get(name) != value]  # fmt: skip
    return ", ".join(changes)


def _resolved(value: Any, facts: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Write references out as `<LogicalId>` and `<LogicalId.Attribute>`, and joined texts as one."""
    match value:
        case {"Ref": str(name)}:
            return facts.get(name, f"<{name}>")
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, list(parts)]}:
            return separator.join(str(_resolved(part, facts)) for part in parts)
        case dict():
            return {name: _resolved(part, facts) for name, part in value.items()}
        case list():
            return [_resolved(part, facts) for part in value]
    return value
