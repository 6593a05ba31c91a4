"""Serving: long documents of what a master knows, made once for all who ask for the same.

Who calls: the endpoints of api/ that show the cluster. An endpoint says what a document consists of; what equal
requests share, how it gets to the clients and what it costs is decided here.
"""

from .documents import Document, Items, Part
from .serving import Serving

__all__ = ["Document", "Items", "Part", "Serving"]
