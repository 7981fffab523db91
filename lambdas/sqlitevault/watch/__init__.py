"""Monitoring: ages, changes, alarms, readiness, history and the page."""
