"""The rules: one file per rule, `<stage>/<code>_<name>.py`, each with `RULE`. `engine.load_rules` finds them."""
