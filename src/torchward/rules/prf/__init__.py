"""Rules on performance: what a training step waits for."""
