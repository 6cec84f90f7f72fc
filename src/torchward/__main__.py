"""`python -m torchward`."""

from torchward.cli import entry

if __name__ == "__main__":
    entry()
