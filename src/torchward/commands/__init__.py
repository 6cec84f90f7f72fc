"""The commands, one file each, with `main(argv) -> exit code`. A command is imported only when it was chosen."""
