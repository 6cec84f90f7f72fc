"""Rules on optimizers, learning rates and schedules."""
