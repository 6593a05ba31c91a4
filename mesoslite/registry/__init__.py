"""The registry: what outlives a master, and the actor through which a master changes it."""

from .memory import MemoryRegistry, MemoryStorage
from .registrar import Registrar
from .sqlite import SqliteStorage

__all__ = ["MemoryRegistry", "MemoryStorage", "Registrar", "SqliteStorage"]
