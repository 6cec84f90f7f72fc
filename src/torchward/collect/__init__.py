"""Collectors look and build facts; one file per fact."""
