"""The archive, format 1: packing it, and unpacking it safely wherever it comes from."""
