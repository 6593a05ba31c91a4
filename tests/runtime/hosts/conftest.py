"""The fixture `lab`: virtual hosts, and nothing left of them after the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .lab import Lab, NoLab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A lab without hosts yet. A machine that cannot have one skips the test."""
    try:
        made = Lab()
    except NoLab as reason:
        pytest.skip(str(reason))
    yield made
    made.close()


@pytest.fixture
def secret() -> bytes:
    return b"known to the hosts of this lab, and to nobody else"


@pytest.fixture
def credentials(certificates) -> tuple[str, str, str]:
    """Files for la.Tls in any process of the lab."""
    made = certificates("authority", *[f"10.77.{number}.2" for number in range(1, 16)])
    return str(made.certificate), str(made.key), str(made.authority)
