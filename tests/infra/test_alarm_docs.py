"""The alarm table in the documentation."""

import re


def test_the_documented_alarms_are_those_that_are_deployed() -> None:
    """`python -m infra.alarm_docs` was run after the last change of the table."""
    from infra.alarm_docs import PAGE, with_table

    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page
    assert len(re.findall(r"^\| (\w*…?\w+|DeadLetters…) \| `", page, re.MULTILINE)) == 17
