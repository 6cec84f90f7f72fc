"""Language models: targets, masks and padding of sequences of tokens."""
