"""An embedded AWS for `make demo` and tests/e2e: a moto server plus simulations of features that moto lacks.

Nothing here is AWS. Storage, IAM documents, queues and so on are moto's. Small modules, each labelled as a
simulation, carry out what moto only stores: replication, schedules, alarms, EMF metrics, S3 events to functions,
CloudFormation types. The functions are real: the deployed zip runs under AWS's own
Lambda runtime interface client.
"""

from localaws.control import Control
from localaws.embedded import EmbeddedAws

__all__ = ["Control", "EmbeddedAws"]
