"""The HTTP API, driven directly and over real sockets, against fake actors."""
