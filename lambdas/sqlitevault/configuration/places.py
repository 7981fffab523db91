"""Where configuration lies below CONFIG_ROOT, and under which name it lies in an archive."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PREFIX = "config/"
ENVIRONMENT = ".env"
ENV_STRUCTURE = "env_structure.txt"
_NGINX = "frontend/nginx.conf"
_LEGACY_NGINX = "nginx.conf"
_PATTERNS = (
    "docker-compose*.yml",
    "docker-compose*.yaml",
    "k8s/**/*.yaml",
    "k8s/**/*.yml",
    _NGINX,
    "alembic.ini",
    ".env.example",
)
_OURS = re.compile(r"docker-compose[^/]*\.ya?ml|k8s/.+\.ya?ml|frontend/nginx\.conf|alembic\.ini|\.env\.example")


def sources(root: Path) -> Iterator[str]:
    """Yield what there is to collect, as paths relative to `root`, in order."""
    found = {path.relative_to(root).as_posix() for pattern in _PATTERNS for path in root.glob(pattern)}
    return iter(sorted(found))


def original_path(member: str) -> PurePosixPath | None:
    """Return where a member of an archive came from, relative to CONFIG_ROOT; None if it is not to be restored.

    Only the files that a backup collects are ever restored: `env_structure.txt`, `.env`, or a file that somebody put
    into an archive are not. The original script kept `frontend/nginx.conf` as `config/nginx.conf`.
    """
    path = member.removeprefix(PREFIX)
    if path == member:
        return None
    if path == _LEGACY_NGINX:
        return PurePosixPath(_NGINX)
    if not _OURS.fullmatch(path) or not {"", ".", ".."}.isdisjoint(path.split("/")):
        return None
    return PurePosixPath(path)
