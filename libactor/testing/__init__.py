"""Tools for testing actors: what arrives is awaited, dropped or forbidden, and an end is made up."""

from libactor.testing.filters import EventFilter, Seen, filter_events, inject_exited

__all__ = ["EventFilter", "Seen", "filter_events", "inject_exited"]
