"""An embedded AWS for `make demo` and tests/e2e: a moto server plus simulations of what moto lacks.

Nothing here is AWS. Storage, IAM documents, queues and so on are moto's; what moto stores but never acts on
(replication, schedules, alarms, EMF metrics, S3 events to functions, CloudFormation types) is acted out by small
modules, each of which says that it is a simulation. The functions are real: the deployed zip runs under AWS's own
Lambda runtime interface client.
"""

from localaws.control import Control
from localaws.embedded import EmbeddedAws

__all__ = ["Control", "EmbeddedAws"]
