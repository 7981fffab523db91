"""benchmarks/README.md: one section for each benchmark."""

import re
from pathlib import Path

README = Path(__file__).parent / "README.md"


def write_section(heading: str, text: str) -> None:
    """Replace a benchmark's section, or add it."""
    present = README.read_text() if README.exists() else "# Benchmarks\n"
    section = f"{heading}\n\n{text}\n"
    pattern = re.compile(rf"^{heading}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    replaced, count = pattern.subn(lambda _: section + "\n", present)
    README.write_text((replaced if count else f"{present.rstrip()}\n\n{section}").rstrip() + "\n")
