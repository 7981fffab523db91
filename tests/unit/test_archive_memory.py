"""Tests of the memory of packing and unpacking, each in its own process."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import re, sys
from pathlib import Path
from sqlitevault.archive.members import Member, describe
from sqlitevault.archive.unpacking import unpack
from sqlitevault.archive.writing import write_archive
from tests.archives import manifest_of

def peak():  # of this process alone; getrusage would count the parent's memory too
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

folder, megabytes = Path(sys.argv[1]), int(sys.argv[2])
block = bytes(range(256)) * 4096
with (folder / "devops_hub.db").open("wb") as file:
    for number in range(megabytes):
        file.write(number.to_bytes(8, "big") + block[8:])
before = peak()
members = [Member("devops_hub.db", folder / "devops_hub.db")]
manifest = manifest_of(describe(members))
packed = write_archive(manifest, members, folder / manifest.archive_name)
unpack(folder / packed.name, folder / "into", expected=manifest.model_copy(update={"archive": packed}))
print(peak() - before)
"""


@pytest.mark.parametrize("megabytes", [300])
def test_memory_does_not_grow_with_the_database(tmp_path: Path, megabytes: int) -> None:
    """A member of 300 MB takes the memory of a few blocks."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path, str(megabytes)],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )
    kibibytes = int(done.stdout)
    assert kibibytes < 60_000
