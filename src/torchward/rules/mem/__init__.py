"""Rules on memory: what is kept alive longer than it is needed."""
