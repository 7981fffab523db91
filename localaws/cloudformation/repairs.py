"""Repairs of moto's own models that fail on ordinary templates."""

from collections.abc import Mapping
from typing import Any

from moto.efs.models import AccessPoint, FileSystem
from moto.kms.models import Key

from localaws.patching import replace


def install() -> None:
    """Add the values of `Ref` and `Fn::GetAtt` to file systems and access points, and tags to keys."""
    _give_attributes(AccessPoint, {"Arn": "access_point_arn", "AccessPointId": "access_point_id"})
    _give_attributes(FileSystem, {"Arn": "file_system_arn", "FileSystemId": "file_system_id"})
    model: Any = AccessPoint
    model.physical_resource_id = property(lambda point: point.access_point_id)
    replace(Key, "create_from_cloudformation_json", _translating_tags)


def _give_attributes(model: Any, names: Mapping[str, str]) -> None:
    """Let `Fn::GetAtt` read the fields of a model by their CloudFormation names."""
    model.get_cfn_attribute = lambda resource, name: str(getattr(resource, names[name]))
    model.has_cfn_attr = classmethod(lambda _cls, name: name in names)


def _translating_tags(original: Any) -> Any:
    """KMS's API says TagKey and TagValue where CloudFormation says Key and Value; moto ignores the difference."""

    def create(cls: type, resource_name: str, cloudformation_json: dict[str, Any], *rest: Any, **kwargs: Any) -> Any:
        properties = dict(cloudformation_json["Properties"])
        tags = properties.get("Tags", [])
        properties["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]
        template = {**cloudformation_json, "Properties": properties}
        return original.__get__(None, cls)(resource_name, template, *rest, **kwargs)

    return classmethod(create)
