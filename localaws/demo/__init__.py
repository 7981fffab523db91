"""The main job, shown end to end on the embedded AWS: `make demo`."""
