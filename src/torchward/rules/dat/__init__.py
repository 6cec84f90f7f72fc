"""Rules on the data: what the model is given, and in which order."""
