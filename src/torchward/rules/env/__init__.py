"""Rules of the machine: each judges a `Machine`, and its `bad` and `good` are machines as `doctor --from` reads them."""
