"""The transport: actors of other hosts, over TCP."""
