"""The secret that hosts have in common, as far as it can be checked by looking at it."""

# Who calls: the configuration, at once, and the handshake, which uses it.

from __future__ import annotations

SECRET_BYTES_MIN = 16


def check_secret(secret: object) -> None:
    """Raise TypeError or ValueError for what is neither None nor bytes that are long enough for a secret."""
    if secret is None:
        return
    if not isinstance(secret, bytes):
        raise TypeError(f"secret: got a {type(secret).__name__}, expected bytes, such as secrets.token_bytes(32)")
    if len(secret) < SECRET_BYTES_MIN:
        raise ValueError(
            f"secret: got {len(secret)} bytes, expected at least {SECRET_BYTES_MIN} that nobody can guess, such as "
            "secrets.token_bytes(32)"
        )
