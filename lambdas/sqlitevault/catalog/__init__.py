"""What a vault holds: manifests, names, drill reports, and how one backup is chosen."""
