"""Simulation of EFS: each access point is a directory of this machine."""

from collections.abc import Mapping
from pathlib import Path

from moto.efs.models import efs_backends

from localaws.clients import ACCOUNT


class FileSystems:
    """Maps access points to directories."""

    def __init__(self, root: Path, given: Mapping[str, Path]) -> None:
        """Keep directories below `root`; a region in `given` has all its access points in that directory."""
        self._root = root
        self._given = dict(given)

    def directory(self, access_point_arn: str) -> Path:
        """Return the directory of an access point (or of a file system, if the ARN is one's), created if necessary."""
        region, resource = access_point_arn.split(":")[3], access_point_arn.rsplit("/", 1)[-1]
        folder = self._given.get(region) or self._root / region / self._place(region, resource)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _place(self, region: str, resource: str) -> str:
        """Access points with the same file system and path show the same files, as on AWS."""
        point = efs_backends[ACCOUNT][region].access_points.get(resource)
        if point is None:
            return resource
        path = str(point.root_directory.get("Path", "/")).strip("/")
        return f"{point.file_system_id}/{path}" if path else str(point.file_system_id)
