"""An application profile: what the backups of one application need to know of it, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """One application. `name` is the value of APPLICATION_PROFILE that chooses it."""

    name: str
