"""What runs inside the user's process. Imports torch, the standard library and `runlog`; never rules or reports."""
