"""What only the functions need: events and telemetry."""
