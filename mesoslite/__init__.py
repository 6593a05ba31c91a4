"""A small cluster manager on libactor that speaks the HTTP API of Mesos."""

__all__: list[str] = []
