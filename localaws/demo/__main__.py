"""`make demo`. DATABASE_PATH uses a copy of your own database; KEEP=1 leaves the embedded AWS running."""

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from localaws.demo.claims import Claims
from localaws.demo.narration import Narrator, Step
from localaws.demo.story import BrokenStory, Story
from localaws.demo.world import PRIMARY, RECOVERY, STAGE, World
from localaws.deploy import Cdk, DeployError, Deployment, NotDeployedError, read_stacks
from localaws.deployed import assert_deployed
from localaws.embedded import EmbeddedAws, StartError
from localaws.sample import make_sample_database
from sqlitevault.database.content import read_tables
from sqlitevault.ground.errors import SqliteVaultError
from sqlitevault.ground.facts import BACKUPS
from sqlitevault.ground.quantities import size
from sqlitevault.snapshot import take_snapshot

INTERRUPTED = 130
_PLAIN_WIDTH = 120


def main() -> int:
    """Run the demo; 0 if every claim held."""
    for sign in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore Ctrl-C
        signal.signal(sign, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    claims = Claims()
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            _run(stack, Narrator(console), claims, keep=os.environ.get("KEEP", "") not in ("", "0"))
    except KeyboardInterrupt:
        console.print("interrupted; everything is stopped")
        return INTERRUPTED
    except (BrokenStory, DeployError, NotDeployedError, StartError, SqliteVaultError) as error:
        console.print(f"[bold red]{type(error).__name__}[/]", markup=True)
        console.print(str(error), markup=False)
        return 1
    console.print(f"\n[bold]{'All claims held' if not claims.broken else 'NOT ALL CLAIMS HELD'}[/]", end="")
    console.print(f" in {time.monotonic() - began:.0f} s")
    return 1 if claims.broken else 0


def _run(stack: ExitStack, narrator: Narrator, claims: Claims, *, keep: bool) -> None:
    folder = Path(tempfile.mkdtemp(prefix="sqlitevault-demo-"))
    if not keep:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    narrator.console.print("[bold]sqlitevault[/]: the real app, deployed into an embedded AWS, backed up and restored")
    narrator.chapter("Two regions")
    database = _database(folder / "efs" / "data", narrator)
    with narrator.step("embedded AWS") as step:
        files = {PRIMARY: folder / "efs"}
        aws = stack.enter_context(EmbeddedAws(folder / "aws", file_systems=files, keep=keep))
        step.detail = f"{aws.endpoint} (moto, and simulations of features that it lacks)"
    world = World(aws, _deploy(aws, folder, database, narrator, claims), database)
    story = Story(world, narrator, claims)
    for chapter in (story.back_up, story.ingest, story.watch, story.restore, story.lose_region, story.check_failures):
        chapter()
    narrator.chapter("Claims and evidence")
    claims.show(narrator.console, story.figures())
    if keep:
        _show_access(world, narrator.console)


def _database(folder: Path, narrator: Narrator) -> Path:
    given = os.environ.get("DATABASE_PATH")
    name = Path(given).name if given else "devops_hub.db"
    with narrator.step("copy of your database" if given else "sample database") as step:
        folder.mkdir(parents=True)
        if given:
            take_snapshot(Path(given), folder / name)
        else:
            make_sample_database(folder / name)
        tables = read_tables(folder / name)
        rows = sum(table.rows for table in tables)
        step.detail = f"{size((folder / name).stat().st_size)}, {len(tables)} tables, {rows:,} rows"
    return folder / name


def _deploy(aws: EmbeddedAws, folder: Path, database: Path, narrator: Narrator, claims: Claims) -> Deployment:
    context = {"stage": STAGE, "function_platform": "host", "database": f"data/{database.name}"}
    shown: list[Step] = []
    cdk = Cdk(aws.endpoint, folder / "cdk", context=context, on_line=lambda line: shown[-1].update(line[:100]))
    with narrator.step("cdk bootstrap") as step:
        shown.append(step)
        bootstrap = cdk.bootstrap([PRIMARY, RECOVERY])
        step.detail = f"{PRIMARY}, {RECOVERY}"
    with narrator.step("cdk deploy --all") as step:
        shown.append(step)
        seconds = cdk.synth() + cdk.deploy()
        deployment = Deployment(bootstrap, seconds, cdk.assembly, read_stacks(cdk.assembly, aws.client))
        resources = sum(len(one.resources) for one in deployment.stacks)
        checked = assert_deployed(deployment, aws.client)
        step.detail = f"{resources} resources in two stacks, {checked} checked individually"
    claims.add("the app deploys", step.detail, holds=checked > 0)
    return deployment


def _show_access(world: World, console: Console) -> None:
    aws = world.aws
    console.print("\nThe embedded AWS keeps running. To explore it:\n")
    console.print(
        f"  export AWS_ENDPOINT_URL={aws.endpoint} AWS_REGION={PRIMARY} AWS_DEFAULT_REGION={PRIMARY}\n"
        "  export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_SESSION_TOKEN=testing\n"
        f"  .venv/bin/aws s3 ls --recursive s3://{world.vault}/\n"
        f"  .venv/bin/sqlitevault list --from s3://{world.vault}/{BACKUPS}\n"
        f"  .venv/bin/aws lambda invoke --function-name {world.function('restore')} \\\n"
        "      --payload fileb://events/restore-plan.json /dev/stdout\n"
        f"  node_modules/.bin/cdk diff -c stage={STAGE} -c function_platform=host\n\n"
        f"To stop it: kill {aws.pid}; its files are in {aws.state.parent}",
        markup=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    sys.exit(main())
