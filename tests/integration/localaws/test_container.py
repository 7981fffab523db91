"""A function's container under AWS's own runtime interface client."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from localaws.functions.code import runtime_packages
from localaws.functions.container import Container, Result
from localaws.functions.environment import rewrite
from localaws.functions.facts import FunctionFacts
from localaws.functions.runtime_api import MAX_RESPONSE_BYTES

HANDLER = """
import json, os, sys, time
calls = []
def handler(event, context):
    calls.append(event)
    if event.get("say"): print(event["say"])
    if event.get("fail"): raise ValueError(event["fail"])
    if event.get("sleep"): time.sleep(event["sleep"])
    if event.get("exit"): os._exit(event["exit"])
    if event.get("bytes"): return "x" * event["bytes"]
    if event.get("write"):
        with open(event["write"], "w") as file: file.write("mine")
    return {"calls": len(calls), "pid": os.getpid(), "env": dict(os.environ), "path": sys.path,
            "left_ms": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb}
"""
FACTS = FunctionFacts("fn", "us-east-1", "app.handler", timeout=20, memory_mb=512, log_group="/aws/lambda/fn")
Open = Callable[..., Container]


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Open]:
    """Return a function that opens containers, which are closed at the end."""
    opened: list[Container] = []

    def open_container(facts: FunctionFacts = FACTS, source: str = HANDLER) -> Container:
        task_root = tmp_path / "task"
        task_root.mkdir(exist_ok=True)
        (task_root / "app.py").write_text(source)
        made = Container(
            facts,
            task_root=task_root,
            runtime=runtime_packages(tmp_path / "runtime"),
            folder=tmp_path / "containers",
            endpoint="http://localhost:1",
        )
        opened.append(made)
        return made

    yield open_container
    for one in opened:
        one.close()


def answer(result: Result) -> Any:
    """Return what the handler returned."""
    assert result.function_error is None, result
    return json.loads(result.payload)


def error(result: Result) -> Any:
    """Return the error that the caller sees."""
    assert result.function_error == "Unhandled", result
    return json.loads(result.payload)


def test_the_second_invocation_uses_the_warm_process(container: Open) -> None:
    """State at module level is kept, and only the first invocation reports an init time."""
    box = container()
    first, second = box.invoke(b"{}"), box.invoke(b"{}")
    assert (first.cold, second.cold) == (True, False)
    assert (answer(first)["calls"], answer(second)["calls"]) == (1, 2)
    assert answer(first)["pid"] == answer(second)["pid"]
    assert first.max_memory_bytes > 10 << 20


def test_context_and_environment_are_lambdas(container: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The handler sees what Lambda sets and nothing of the process that runs the embedded AWS."""
    monkeypatch.setenv("OUR_SECRET", "leaked")
    facts = replace(FACTS, variables={"VAULT": "s3://b/p/"})
    seen = answer(container(facts).invoke(b"{}"))
    assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:fn"
    assert seen["memory"] == "512"
    assert 0 < seen["left_ms"] <= 20_000
    environment = seen["env"]
    assert "OUR_SECRET" not in environment
    assert environment["VAULT"] == "s3://b/p/"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert environment["AWS_ENDPOINT_URL"] == "http://localhost:1"
    assert environment["AWS_REGION"] == "us-east-1"


def test_a_function_cannot_import_from_our_virtual_environment(container: Open) -> None:
    """A package that the zip lacks is missing, as on AWS."""
    path = answer(container().invoke(b"{}"))["path"]
    assert not [entry for entry in path if "site-packages" in entry]
    missing = container(source="import moto\ndef handler(event, context): pass\n").invoke(b"{}")
    assert error(missing)["errorType"] == "Runtime.ImportModuleError"


def test_an_exception_is_returned_and_the_process_continues(container: Open) -> None:
    """An exception of the handler is returned with its type, and the process serves the next invocation."""
    box = container()
    failed = error(box.invoke(b'{"fail": "no such table"}'))
    assert (failed["errorType"], failed["errorMessage"]) == ("ValueError", "no such table")
    assert answer(box.invoke(b"{}"))["calls"] == 2


def test_a_timeout_ends_the_process_and_the_next_call_starts_cold(container: Open) -> None:
    """A timeout kills the process, and the handler's state in memory is lost."""
    box = container(replace(FACTS, timeout=1))
    late = box.invoke(b'{"sleep": 30}')
    assert error(late)["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error(late)["errorMessage"]
    assert not box.running
    again = box.invoke(b"{}")
    assert again.cold
    assert answer(again)["calls"] == 1


def test_an_error_while_loading_is_an_init_error_each_time(container: Open) -> None:
    """A handler that cannot be imported fails every invocation, with its own error."""
    box = container(source="raise RuntimeError('no settings')")
    for _ in range(2):
        failed = error(box.invoke(b"{}"))
        assert (failed["errorType"], failed["errorMessage"]) == ("RuntimeError", "no settings")


def test_a_handler_that_does_not_exist_is_named(container: Open) -> None:
    """A wrong handler setting is reported as on AWS."""
    failed = error(container(replace(FACTS, handler="app.nothing")).invoke(b"{}"))
    assert failed["errorType"] == "Runtime.HandlerNotFound"


def test_a_process_that_exits_is_a_runtime_exit_error(container: Open) -> None:
    """A crash is reported with its status, and the next invocation works."""
    box = container()
    assert "exit status 7" in error(box.invoke(b'{"exit": 7}'))["errorMessage"]
    assert answer(box.invoke(b"{}"))["calls"] == 1


def test_a_response_beyond_the_limit_is_refused(container: Open) -> None:
    """A response of six megabytes is accepted, one byte more is not; quotation marks count."""
    box = container()
    assert len(box.invoke(b'{"bytes": %d}' % (MAX_RESPONSE_BYTES - 2)).payload) == MAX_RESPONSE_BYTES
    too_large = error(box.invoke(b'{"bytes": %d}' % (MAX_RESPONSE_BYTES - 1)))
    assert too_large["errorType"] == "Function.ResponseSizeTooLarge"
    assert box.invoke(b"{}").cold


def test_each_invocation_has_its_own_log(container: Open) -> None:
    """All output of an invocation, and no other, is between its START and REPORT."""
    box = container()
    box.invoke(b'{"say": "first"}')
    log = box.invoke(b'{"say": "second"}').log.splitlines()
    assert log[0].startswith("START RequestId: ")
    assert log[1] == "second"
    assert log[2].startswith("END RequestId: ")
    assert "Memory Size: 512 MB" in log[3]
    assert len(log) == 4


def test_tmp_belongs_to_the_container_and_is_removed_with_it(container: Open) -> None:
    """A variable with a path in /tmp is rewritten to the container's folder, which is removed at the end."""
    box = container(replace(FACTS, variables={"SCRATCH_DIR": "/tmp/work"}))
    scratch = Path(answer(box.invoke(b"{}"))["env"]["SCRATCH_DIR"])
    assert scratch.name == "work"
    assert scratch.parent != Path("/tmp")
    assert scratch.parent.is_dir()
    box.close()
    assert not scratch.parent.exists()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/mnt/source", "/efs"),
        ("/mnt/source/data/app.db", "/efs/data/app.db"),
        ("/mnt/sourcery/app.db", "/mnt/sourcery/app.db"),
        ("s3://bucket/mnt/source", "s3://bucket/mnt/source"),
        ("", ""),
    ],
)
def test_mount_paths_are_rewritten_as_whole_folders(value: str, expected: str) -> None:
    """Only the mount path and paths below it are rewritten."""
    assert rewrite(value, {"/mnt/source": Path("/efs")}) == expected
