"""Rules on the dynamics of training: mostly symptoms, sometimes all there is to see."""
