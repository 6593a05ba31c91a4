"""The command line: `mesoslite dev`, `run`, `demo`, `version`; each command in a file of its own."""
