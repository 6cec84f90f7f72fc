"""Rules on the loss: what it is given, and whether it reaches the parameters."""
