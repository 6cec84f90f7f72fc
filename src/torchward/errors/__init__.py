"""What is known of crashes: one TOML file per error, `<code>_<name>.toml`; see `docs/error-entries.md`.

An entry is data. `schema` reads and checks it, `match` applies it to a `Crash`, `arithmetic` holds the small pure
functions that entries name for the values in their texts.
"""
