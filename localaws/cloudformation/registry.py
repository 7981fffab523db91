"""Registry of the added resource types: one small function each, found by the type's name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.clients import ACCOUNT, Clients


@dataclass(frozen=True, slots=True)
class Request:
    """One resource to create or update: its region, its name unless it names itself, its resolved properties."""

    clients: Clients
    region: str
    name: str
    properties: dict[str, Any]

    def client(self, service: str) -> Any:
        """Return the service's client in the stack's region."""
        return self.clients(service, self.region)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"


@dataclass(frozen=True, slots=True)
class Made:
    """The resource's values of `Ref` and `Fn::GetAtt`."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[Request], Made]
Remove = Callable[[Request], None]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """Functions to create, update and delete resources of a type; `remove` gets the physical id as name."""

    make: Make
    change: Make
    remove: Remove


TYPES: dict[str, ResourceType] = {}


def resource_type(name: str, *, remove: Remove, change: Make | None = None) -> Callable[[Make], Make]:
    """Register the decorated function to create a type; it also updates one, unless `change` is given."""

    def register(make: Make) -> Make:
        TYPES[name] = ResourceType(make, change or make, remove)
        return make

    return register
