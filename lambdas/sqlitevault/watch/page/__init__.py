"""Readiness and history as HTML pages that load nothing from the network."""
