"""The alarm table in the documentation."""

import re


def test_the_documented_alarms_are_the_deployed_ones() -> None:
    """The documented table is the one that `python -m infra.alarm_docs` writes."""
    from infra.alarm_docs import PAGE, with_table

    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page
    assert len(re.findall(r"^\| (\w*…?\w+|DeadLetters…) \| `", page, re.MULTILINE)) == 17
