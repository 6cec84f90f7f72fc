"""Rules on the structure and mode of models."""
