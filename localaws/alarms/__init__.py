"""Simulation of CloudWatch alarms: moto stores them and never looks at their metrics."""
