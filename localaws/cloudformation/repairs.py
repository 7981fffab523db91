"""Places where moto's own models stumble over ordinary templates."""

from typing import Any

from moto.efs.models import AccessPoint
from moto.kms.models import Key

from localaws.patching import replace


def install() -> None:
    """Give access points what `Ref` and `Fn::GetAtt` read, and keys their tags."""
    model: Any = AccessPoint
    model.physical_resource_id = property(lambda point: point.access_point_id)
    model.get_cfn_attribute = _attribute
    model.has_cfn_attr = classmethod(lambda _cls, name: name in ("Arn", "AccessPointId"))
    replace(Key, "create_from_cloudformation_json", _translating_tags)


def _attribute(point: Any, name: str) -> str:
    return str({"Arn": point.access_point_arn, "AccessPointId": point.access_point_id}[name])


def _translating_tags(original: Any) -> Any:
    """KMS's API says TagKey and TagValue where CloudFormation says Key and Value; moto forgets the difference."""

    def create(cls: type, resource_name: str, cloudformation_json: dict[str, Any], *rest: Any, **kwargs: Any) -> Any:
        properties = dict(cloudformation_json["Properties"])
        tags = properties.get("Tags", [])
        properties["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in tags]
        template = {**cloudformation_json, "Properties": properties}
        return original.__get__(None, cls)(resource_name, template, *rest, **kwargs)

    return classmethod(create)
