"""Deployed functions: the unchanged zip under AWS's runtime interface client, on a stub of its Runtime API."""

from localaws.functions.container import Container, Result
from localaws.functions.facts import FunctionFacts
from localaws.functions.runner import FunctionRunner

__all__ = ["Container", "FunctionFacts", "FunctionRunner", "Result"]
