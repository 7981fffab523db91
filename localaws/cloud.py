"""One embedded AWS inside one process, assembled from its parts."""

from collections.abc import Mapping
from pathlib import Path

from localaws.alarms.monitor import AlarmMonitor
from localaws.background import Background
from localaws.clients import Clients
from localaws.cloudformation.install import install as install_cloudformation
from localaws.file_systems import FileSystems
from localaws.functions import FunctionRunner
from localaws.functions.aftermath import record
from localaws.functions.ledger import Ledger
from localaws.functions.moto_seam import FunctionSeam
from localaws.replication import Replication
from localaws.s3_events import EventRules
from localaws.scheduler import Scheduler

SIMULATIONS = (
    "CloudFormation types that moto lacks",
    "functions: the deployed zip under AWS's runtime interface client, a directory for EFS",
    "asynchronous invocation: retries, destinations, dead letters",
    "S3 events, EventBridge rules",
    "replication between regions",
    "EventBridge Scheduler, fired on request",
    "embedded metric format, service metrics",
    "alarm evaluation, on request",
    "the VPC's routes, regions switched off",
)


class Cloud:
    """All simulations, installed into this process's moto. There can be one per process."""

    def __init__(self, endpoint: str, state: Path, file_systems: Mapping[str, Path]) -> None:
        """Install everything; `file_systems` maps a region to the directory that serves as its EFS."""
        self.clients = Clients(endpoint)
        self.background = Background()
        self.ledger = Ledger()
        self.file_systems = FileSystems(state / "file-systems", file_systems)
        self.runner = FunctionRunner(endpoint, state, record)
        self.seam = FunctionSeam(
            self.runner,
            self.ledger,
            background=self.background,
            file_systems=self.file_systems,
            clients=self.clients,
        )
        self.replication = Replication(self.background)
        self.scheduler = Scheduler(self.seam, self.clients)
        self.alarms = AlarmMonitor(self.clients, self.replication)
        self._install()

    def close(self) -> None:
        """End the functions' processes and the background work."""
        self.background.close()
        self.runner.close()

    def _install(self) -> None:
        install_cloudformation(self.clients)
        self.seam.install()
        self.replication.install()
        EventRules(self.seam, self.background, self.clients).install()
        self.alarms.install()
