"""The ground floor: errors, settings, shared facts, files, steps, reports."""
