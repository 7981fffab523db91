"""Additions to moto's CloudFormation: resource types, bucket settings, outputs, and visible failures."""
