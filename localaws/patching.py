"""Patches of moto: a named attribute is wrapped, and the wrapper receives the original."""

from collections.abc import Callable
from typing import Any


class MotoChangedError(Exception):
    """The installed moto lacks an attribute that a simulation wraps: pin the version, or adapt the simulation."""


def replace(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replace `owner.name` with `wrap(original)`; `owner` is a class or a module.

    `wrap` receives a descriptor, such as a property or a class method, as it is in the class.

    Raises:
        MotoChangedError: the attribute does not exist, so the simulation would silently do nothing.
    """
    original = vars(owner).get(name)
    if original is None:
        raise MotoChangedError(f"{owner!r} has no attribute {name!r}")
    setattr(owner, name, wrap(original))
