"""Defaults of the cluster manager, their units in their names, and the relations between them, executed."""

# Who calls: master, agent, allocator and framework, as the defaults of their options.
# Source: Mesos src/master/constants.hpp, src/slave/constants.hpp.

from .resources import Resources

HEARTBEAT_INTERVAL_SECONDS = 15  # master to subscribed framework
AGENT_REREGISTER_SECONDS = 10 * 60  # how long a disconnected agent is waited for

REGISTRATION_RETRY_SECONDS = 1  # an agent's first repetition; each next wait is twice as long
REGISTRATION_RETRY_SECONDS_MAX = 60

STATUS_UPDATE_RETRY_SECONDS = 10  # first repetition; each next wait is twice as long
STATUS_UPDATE_RETRY_SECONDS_MAX = 10 * 60

KILL_GRACE_SECONDS = 3  # between asking a task to end and killing it

ALLOCATION_INTERVAL_SECONDS = 1
ALLOCATION_RECOVERY_SECONDS = 10 * 60  # how long a new master's agents are waited for before offers are made
REFUSE_SECONDS = 5  # default length of an offer filter
REFUSE_SECONDS_MAX = 365 * 24 * 60 * 60
MIN_ALLOCATABLE = (
    Resources.parse("cpus:0.01"),
    Resources.parse("mem:32"),
)  # at least one must be there to offer

COMPLETED_FRAMEWORKS_MAX = 50  # kept for readers, oldest dropped
COMPLETED_TASKS_MAX = 1_000  # per framework
AGENT_COMPLETED_TASKS_MAX = 200  # per framework on one agent

assert REGISTRATION_RETRY_SECONDS <= REGISTRATION_RETRY_SECONDS_MAX, "waits double up to the maximum"
assert REGISTRATION_RETRY_SECONDS_MAX < AGENT_REREGISTER_SECONDS, "an agent must have time to come back"
assert STATUS_UPDATE_RETRY_SECONDS <= STATUS_UPDATE_RETRY_SECONDS_MAX, "waits double up to the maximum"
assert KILL_GRACE_SECONDS < STATUS_UPDATE_RETRY_SECONDS, "a kill ends before its first update is repeated"
assert ALLOCATION_INTERVAL_SECONDS <= REFUSE_SECONDS <= REFUSE_SECONDS_MAX, "a refusal must outlast an allocation"
assert all(MIN_ALLOCATABLE), "an empty alternative would make offers of nothing"
