"""Translations from CloudFormation's shapes to those of the services' own APIs."""

from collections.abc import Mapping
from typing import Any


def whole_numbers(value: Any, names: frozenset[str]) -> Any:
    """Return a copy in which the named entries are integers: templates may write numbers as text."""
    if isinstance(value, dict):
        return {k: int(v) if k in names and isinstance(v, str) else whole_numbers(v, names) for k, v in value.items()}
    return [whole_numbers(one, names) for one in value] if isinstance(value, list) else value


def lifecycle_rule(rule: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Translate a rule from CloudFormation's shape to the API's."""
    made: dict[str, Any] = {"ID": rule.get("Id", f"rule-{number}"), "Status": rule["Status"]}
    made["Filter"] = _filter(rule.get("Prefix"), rule.get("TagFilters") or [])
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if rule.get("ExpiredObjectDeleteMarker"):
        made["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload", "NoncurrentVersionTransitions"):
        if name in rule:
            made[name] = rule[name]
    if "Transitions" in rule:
        made["Transitions"] = [
            {"Days": int(one["TransitionInDays"]), "StorageClass": one["StorageClass"]} for one in rule["Transitions"]
        ]
    return made


def _filter(prefix: str | None, tags: list[Mapping[str, str]]) -> dict[str, Any]:
    if len(tags) == 1 and prefix is None:
        return {"Tag": tags[0]}
    return {"And": {"Prefix": prefix or "", "Tags": tags}} if tags else {"Prefix": prefix or ""}
