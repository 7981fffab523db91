"""What moto's CloudFormation lacks: resource types, bucket settings, outputs, and honest failure."""
