"""`sqlitevault init`."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from inspect import cleandoc
from itertools import count
from pathlib import Path
from stat import S_IMODE
from typing import Any

import click
from pydantic import BaseModel, ValidationError
from rich.markup import escape

from sqlitevault.cli import options
from sqlitevault.cli.exit_codes import BUSY, NO_ROOM, UNAVAILABLE
from sqlitevault.cli.output import Output
from sqlitevault.ground.errors import ConfigError, TargetExists, VaultUnavailable
from sqlitevault.ground.files import require_ordinary, write_whole
from sqlitevault.ground.settings import PLACES, Settings, mistakes
from sqlitevault.ground.settings_file import COMMAND_LINE, FILE, STAGE, VARIABLE, SettingsFile
from sqlitevault.ground.stage import DeploymentSettings, recorded_settings, stack_names
from sqlitevault.site import Site

_HEADER = "# Settings of sqlitevault; `sqlitevault init --help` explains them. Lines that begin with # show defaults."
_ASKED = ("alarm_email", "region", "dr_region", "database", "file_system_id")
_ASKED_ABOUT_THE_FILE_SYSTEM = (
    *("security_group_id", "vpc_id", "subnet_ids", "availability_zones", "route_table_ids"),
    *("file_system_path", "posix_user"),
)
_OF_STAGES = {name: field for name, field in DeploymentSettings.model_fields.items() if name != STAGE}


@dataclass(frozen=True, slots=True)
class _Choices:
    """The settings given as options, each as NAME=VALUE."""

    stage: str | None
    settings: tuple[str, ...]
    command_line: tuple[str, ...]


@options.command(BUSY, UNAVAILABLE, NO_ROOM)
@options.bundle(
    "choices",
    _Choices,
    click.option("--stage", help="The deployment whose settings to write; by default the file's only one, else prod."),
    click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Set a setting of the stage."),
    click.option("--command-line", multiple=True, metavar="NAME=VALUE", help="Set a setting of the command line."),
)
@click.option("--from-deployed", is_flag=True, help="Take the stage's settings from what is deployed.")
@click.option("--region", help="For --from-deployed: one of its two regions, by default us-east-1.")
@click.option("--yes", is_flag=True, help="Ask nothing, and replace an existing file.")
def init(out: Output, *, choices: _Choices, from_deployed: bool, region: str | None, yes: bool) -> None:
    """Write the settings file, by asking or from options.

    The file is sqlitevault.toml in this folder, or where SQLITEVAULT_CONFIG says. The section [command-line] holds the
    settings of `sqlitevault`; environment variables and options override it. Each section [stage.NAME] holds those of
    a deployment; `cdk -c` overrides it. An existing file keeps its other settings, and a copy of it is kept.
    """
    if region and not from_deployed:
        raise ConfigError("--region needs --from-deployed", hint=f"Give --set region={region} to deploy there.")
    path = Path(os.environ.get(VARIABLE) or FILE)
    exists = path.exists()
    if exists and not yes and not out.confirm(f"Write {path} again? A copy of it is kept."):
        raise TargetExists(f"{path} already exists", hint="Give --yes: a copy is kept beside it, as *.bak.")
    old = SettingsFile.find(os.environ) if exists else SettingsFile(path)
    name = choices.stage or old.usual_stage
    recorded = _recorded(name, region or "us-east-1") if from_deployed else old.stages.get(name, {})
    stage = {**recorded, **_pairs(choices.settings)}
    command_line = {**old.command_line, **_pairs(choices.command_line)}
    if _can_ask() and not (yes or from_deployed or out.as_json or choices.settings or choices.command_line):
        command_line |= _answers(Settings, ("database_path", "vault"), command_line)
        stage |= _answers(DeploymentSettings, _ASKED, stage)
        if stage.get("file_system_id"):
            stage |= _answers(DeploymentSettings, _ASKED_ABOUT_THE_FILE_SYSTEM, stage)
    text = _text(SettingsFile(path, command_line, {**old.stages, name: stage}))
    mode = S_IMODE(path.stat().st_mode) if exists else 0o644
    kept = _keep(path, mode) if exists else None
    write_whole(path, text, mode=mode)
    wrote = f"wrote [bold]{escape(str(path))}[/]" + (f", kept the old one as {escape(str(kept))}" if kept else "")
    out.give({"file": str(path), "kept": kept and str(kept), "stage": name}, [wrote])


init.help = f"""{cleandoc(str(init.help))}

\b
Settings of a stage; `sqlitevault --help` shows those of the command line:
""" + "\n".join(f"  {name}: {field.description}" for name, field in _OF_STAGES.items())


def _can_ask() -> bool:
    return sys.stdin.isatty()


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise ConfigError(f"{wrong[0]!r} is not NAME=VALUE", hint="Write it as --set alarm_email=ops@example.com.")
    return {name.strip(): value for name, _, value in pairs}


def _recorded(stage: str, region: str) -> dict[str, Any]:
    """Return the settings recorded in the outputs of the stage's stack in `region`, without those that are defaults."""
    import boto3  # noqa: PLC0415 - takes half a second, and only this needs it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    outputs: dict[str, str] = {}
    try:
        pages = boto3.client("cloudformation", region_name=region).get_paginator("describe_stacks").paginate()
        for stack in (stack for page in pages for stack in page["Stacks"]):
            if stack["StackName"] in stack_names(stage):
                outputs |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    except (BotoCoreError, ClientError) as error:
        raise VaultUnavailable(
            f"the stacks in {region} cannot be read: {error}", hint="Check AWS_PROFILE, --region and the network."
        ) from error
    defaults = {**DeploymentSettings().model_dump(mode="json"), STAGE: stage}
    recorded = recorded_settings(outputs)
    if not recorded:
        raise ConfigError(
            f"stage {stage} is not deployed in {region}, or by a version that did not record its settings",
            hint="Check --stage and --region; or write the settings with --set, and deploy again.",
        )
    return {name: value for name, value in recorded.items() if value != defaults.get(name)}


def _answers(model: type[BaseModel], names: tuple[str, ...], known: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for each setting, again until the answer is right; returns those that change what is known."""
    values, answers = {**model().model_dump(mode="json"), **known}, {}
    for name in names:
        value = values[name]
        present = ",".join(value) if isinstance(value, list) else "" if value is None else value
        question = f"{name}: {model.model_fields[name].description}"
        check = partial(_checked, model, name)
        answer = click.prompt(question, default=present, show_default=present != "", value_proc=check, err=True)
        if answer != present:
            answers[name] = answer
    return answers


def _checked(model: type[BaseModel], name: str, text: Any) -> Any:  # noqa: ANN401
    try:
        model.model_validate({name: text} if text else {})
    except ValidationError as error:
        if error.errors()[0]["loc"]:  # else it does not fit the other settings, which are not all known yet
            raise click.UsageError(mistakes(error, {str(model.model_fields[name].alias): name})[0]) from error
    return text


def _text(file: SettingsFile) -> str:
    """Return the file's text; the ConfigError of wrong settings names all of them."""
    known, origins = file.environment({})
    own = Site.of(Settings.from_env(known, origins=origins)).settings.model_dump(mode="json")
    # Paths stay as written: relative to the file.
    own |= {name: value for name, value in file.command_line.items() if Settings.model_fields[name].alias in PLACES}
    lines = [_HEADER, *_section(COMMAND_LINE, Settings, {name: own[name] for name in file.command_line})]
    for name, given in file.stages.items():
        deployment = file.deployment({STAGE: name}, "--stage")
        Site.of(Settings(application_profile=deployment.application_profile))  # refuses an unknown one
        values = deployment.model_dump(mode="json")
        lines += _section(f"{STAGE}.{name}", DeploymentSettings, {key: values[key] for key in given})
    return "\n".join(lines) + "\n"


def _section(title: str, model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[str]:
    yield f"\n[{title}]"
    for name, default in model().model_dump(mode="json").items():
        if name != STAGE:
            field = model.model_fields[name]
            yield f"# {field.description}" + (f" ({field.alias})" if field.alias else "")
            given = values.get(name) not in (None, "")
            yield f"{name} = {_toml(values[name])}" if given else f"# {name} = {_toml(default)}"


def _toml(value: object) -> str:
    if isinstance(value, str) and "\n" in value:
        return '"""\n' + "\n".join(_toml(line)[1:-1] for line in value.split("\n")) + '"""'
    return json.dumps("" if value is None else value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _keep(path: Path, mode: int) -> Path:
    """Copy the file to a name that nothing has, and return that."""
    require_ordinary(path)
    names = (path.with_name(f"{path.name}.bak{number or ''}") for number in count())
    kept = next(name for name in names if not os.path.lexists(name))
    write_whole(kept, path.read_bytes().decode(), mode=mode)
    return kept
