"""Models of the registered types in moto's form."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError
from moto.core.common_models import CloudFormationModel

from localaws.clients import Clients
from localaws.cloudformation.accepted import WITHOUT_EFFECT
from localaws.cloudformation.registry import TYPES, Made, Request

_GONE = frozenset({"ResourceNotFoundException", "ResourceNotFound", "NotFoundException", "NotFound"})


class AddedResource(CloudFormationModel):
    """A resource of a type that is registered here or accepted without effect."""

    __module__ = "moto.localaws.models"  # moto's metaclass files models by their module's second part
    clients: Clients

    def __init__(self, kind: str, made: Made, template: Mapping[str, Any]) -> None:
        """Keep what `Ref`, `Fn::GetAtt` and the removal need."""
        self.kind, self.made, self.template = kind, made, template

    @property
    def physical_resource_id(self) -> str:
        """The value of `Ref`."""
        return self.made.physical_id

    @staticmethod
    def cloudformation_name_type() -> str:
        """Not used: the registered functions name their resources themselves."""
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        """Not used: the types are looked up before moto's own."""
        return "LocalAws::Added::Resource"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Accept every attribute; a missing one raises when it is read."""
        return bool(attr)

    def get_cfn_attribute(self, attribute: str) -> str:
        """Return the value of `Fn::GetAtt`.

        Raises:
            KeyError: the registered function did not give this attribute.
        """
        return self.made.attributes[attribute]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003  (one account)
        region_name: str,
        **kwargs: Any,  # noqa: ARG003  (moto's ids)
    ) -> "AddedResource":
        """Create the resource."""
        return cls._apply("make", resource_name, cloudformation_json, region_name)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "AddedResource",
        new_resource_name: str,  # noqa: ARG003  (a resource keeps its name)
        cloudformation_json: dict[str, Any],
        account_id: str,  # noqa: ARG003
        region_name: str,
    ) -> "AddedResource":
        """Update the resource in place, under its present name."""
        return cls._apply("change", original_resource.physical_resource_id, cloudformation_json, region_name)

    def delete(self, account_id: str, region_name: str) -> None:  # noqa: ARG002
        """Delete the resource, unless it was deleted with its parent: moto deletes in arbitrary order."""
        if self.kind not in TYPES:
            return
        request = Request(self.clients, region_name, self.physical_resource_id, self.template["Properties"])
        try:
            TYPES[self.kind].remove(request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    @classmethod
    def _apply(cls, action: str, name: str, template: dict[str, Any], region: str) -> "AddedResource":
        kind = template["Type"]
        if kind in WITHOUT_EFFECT:
            return cls(kind, Made(name), template)
        request = Request(cls.clients, region, name, dict(template.get("Properties", {})))
        made: Made = getattr(TYPES[kind], action)(request)
        return cls(kind, made, template)
