"""What is known of the application DevOps Hub."""
