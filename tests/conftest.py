"""Every program that a test starts computes on one thread: several at once would wait for each other's threads."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
