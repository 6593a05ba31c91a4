"""Recovery: an agent that begins anew goes on as the one that was here, with what that has left."""

from .former import former_port
from .options import RecoveryOptions
from .recovery import Recovery

__all__ = ["Recovery", "RecoveryOptions", "former_port"]
