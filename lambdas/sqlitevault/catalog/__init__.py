"""The contents of a vault: names, manifests, drill reports, and the selection of one backup."""
