"""EFS access points that can be referred to: moto makes them without a physical id and without attributes."""

from typing import Any

from moto.efs.models import AccessPoint


def install() -> None:
    """Give moto's access points what `Ref` and `Fn::GetAtt` read."""
    model: Any = AccessPoint
    model.physical_resource_id = property(lambda point: point.access_point_id)
    model.get_cfn_attribute = _attribute
    model.has_cfn_attr = classmethod(lambda _cls, name: name in ("Arn", "AccessPointId"))


def _attribute(point: Any, name: str) -> str:
    return str({"Arn": point.access_point_arn, "AccessPointId": point.access_point_id}[name])
