"""The one way in which localaws changes moto: a named attribute is wrapped, and the original is handed on."""

from collections.abc import Callable
from typing import Any


class MotoChangedError(Exception):
    """The installed moto lacks something that a simulation hooks into: pin the version, or adapt the simulation."""


def replace(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Put `wrap(original)` in the place of `owner.name`; `owner` is a class or a module.

    A descriptor such as a property or a class method is handed to `wrap` as it stands in the class.

    Raises:
        MotoChangedError: there is no such attribute, so the simulation would silently do nothing.
    """
    original = vars(owner).get(name)
    if original is None:
        raise MotoChangedError(f"{owner!r} has no attribute {name!r}")
    setattr(owner, name, wrap(original))
