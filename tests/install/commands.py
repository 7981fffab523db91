"""Commands that must succeed, in an environment without this one's packages and settings."""

import os
import subprocess
import sys
from pathlib import Path

from sqlitevault.ground.settings import Settings

UV = Path(sys.executable).with_name("uv")
_HIDDEN = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"} | {field.alias for field in Settings.model_fields.values()}


def run(*command: str | Path, folder: Path, **settings: str) -> str:
    """Run a command in a folder, and return its stdout."""
    environment = {name: value for name, value in os.environ.items() if name not in _HIDDEN} | settings
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
