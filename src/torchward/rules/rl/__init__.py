"""Rules on reinforcement learning."""
