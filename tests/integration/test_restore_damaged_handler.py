"""The restore function with a damaged backup; S3 is simulated by moto."""

import pytest

from sqlitevault.ground.errors import ChecksumMismatch
from tests.databases import execute, require_bank, rows
from tests.function_calls import Home

DAILY = "devops_hub_backup_20260131_020000"


def test_an_overwritten_archive_is_restored_in_its_earlier_version(functions_home: Home) -> None:
    """The answer names the failed copy and the proven version that replaced it."""
    report = functions_home.invoke("backup", "backup-daily")
    functions_home.damage(report["archive"])
    execute(functions_home.database, "DELETE FROM ledger")
    staged = functions_home.invoke("restore", {"action": "stage", "backup": DAILY})
    assert staged["recovered_from"].startswith("version ")
    assert "SHA-256" in staged["repairs"][0]
    assert not staged["salvaged"]
    functions_home.invoke("restore", "restore-promote")
    assert require_bank(functions_home.database) == 500


def test_salvage_must_be_requested(functions_home: Home) -> None:
    """A backup that cannot be proven is an error without `salvage`; with it the answer says that nothing is proven."""
    report = functions_home.invoke("backup", "backup-daily")
    key = f"backups/{report['archive']}"
    vault = report["location"].split("/")[2]
    (version,) = functions_home.s3.list_object_versions(Bucket=vault, Prefix=key)["Versions"][:1]
    body = functions_home.s3.get_object(Bucket=vault, Key=key)["Body"].read()
    functions_home.s3.delete_object(Bucket=vault, Key=key, VersionId=version["VersionId"])
    functions_home.s3.put_object(Bucket=vault, Key=key, Body=body[: len(body) // 2])
    with pytest.raises(ChecksumMismatch) as caught:
        functions_home.invoke("restore", {"action": "stage", "backup": DAILY})
    assert "--salvage" in caught.value.hint
    staged = functions_home.invoke("restore", "restore-salvage")
    assert staged["salvaged"]
    assert not all(check["passed"] for check in staged["checks"])
    promoted = functions_home.invoke("restore", "restore-promote")
    assert promoted["salvaged"]
    assert "SALVAGED" in promoted["next_steps"][0]
    assert rows(functions_home.database, "PRAGMA integrity_check") == [("ok",)]
