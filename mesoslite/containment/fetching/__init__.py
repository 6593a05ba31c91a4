"""Fetching: what the commands of containers name by URIs is in their sandboxes before they start."""

from .containerizer import FetchingContainerizer
from .options import FetcherOptions

__all__ = ["FetcherOptions", "FetchingContainerizer"]
