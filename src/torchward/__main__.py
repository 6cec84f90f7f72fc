"""`python -m torchward`."""

import sys

# `-m` puts the working folder first on the path: a `random.py` or `torch.py` there would be imported, and so run, in
# place of the library's.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

from torchward.cli import entry

if __name__ == "__main__":
    entry()
