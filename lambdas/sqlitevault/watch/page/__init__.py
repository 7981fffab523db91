"""Pages to look at: one file each, without script, font or address; readable on a phone and in the dark."""
