"""Events, site and telemetry of the functions."""
