"""Masters: what one says of itself when it stands for leadership, and which of them leads."""

# Who calls: the master builds MasterInfo; elections and registries pass it on.
# Two leaderships of one master differ in their number, so that whoever follows leaders notices a loss between them.
# Source: Mesos include/mesos/v1/mesos.proto (MasterInfo), src/master/constants.cpp (MASTER_CAPABILITIES).

import msgspec

from .domains import FaultDomain
from .version import API_VERSION

# What a master can do; a registry says which of these it takes to understand it.
AGENT_UPDATE = "AGENT_UPDATE"  # agents may change their info
AGENT_DRAINING = "AGENT_DRAINING"  # agents may be drained and deactivated
QUOTA_V2 = "QUOTA_V2"  # quota has limits of its own
MASTER_CAPABILITIES = (AGENT_UPDATE, AGENT_DRAINING, QUOTA_V2)


class MasterInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A master's description of itself. ``id`` is new with each start of a process; ``pid`` is its actor's address."""

    id: str
    hostname: str = ""
    ip: str = ""
    port: int = 5050
    pid: str = ""
    version: str = API_VERSION
    capabilities: tuple[str, ...] = MASTER_CAPABILITIES
    domain: FaultDomain | None = None


class Leader(msgspec.Struct, frozen=True, gc=False):
    """The master that leads, and the number its candidacy has: the lowest leads, and no number is used twice."""

    info: MasterInfo
    number: int = 0


class MasterTenure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A master that leads, and since when; times are seconds since the epoch."""

    info: MasterInfo
    start_time: float
    elected_time: float


class MasterStanding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How a master stands: who leads as far as it knows, whether that is this one, and whether it serves already.

    A master that leads serves once it has read the registry, and until it ends.
    """

    leader: Leader | None = None
    leads: bool = False
    serves: bool = False
