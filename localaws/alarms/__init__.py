"""Simulation of CloudWatch alarms: moto stores them but never evaluates their metrics."""
