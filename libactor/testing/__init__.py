"""Tools for testing actors: what arrives is awaited, dropped, delayed, repeated or forbidden, and an end is made up."""

from libactor.testing.filters import EventFilter, filter_events, inject_exited
from libactor.testing.patterns import Seen

__all__ = ["EventFilter", "Seen", "filter_events", "inject_exited"]
