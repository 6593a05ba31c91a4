"""Defaults of the cluster manager, their units in their names, and the relations between them, executed."""

# Who calls: master, agent, allocator and framework, as the defaults of their options.
# Source: Mesos src/master/constants.hpp, src/slave/constants.hpp.

from .resources import Resources

HEARTBEAT_INTERVAL_SECONDS = 15  # master to subscribed framework
AGENT_REREGISTER_SECONDS = 10 * 60  # how long a disconnected agent is waited for
AGENT_PING_SECONDS = 15  # master to agent
AGENT_PINGS_MISSED_MAX = 5  # in a row, then the agent is unreachable, and it looks for its master anew
RECOVERY_AGENT_REMOVAL_LIMIT = 1.0  # part of the agents known to the registry that may be missing after a failover
REMOVED_AGENTS_MAX = 100_000  # that a master remembers
FRAMEWORK_RETURN_SECONDS = 24 * 60 * 60  # that a new master waits for a framework of which only statuses tell

SECONDS_MAX = 9_223_372_036  # that anybody may name: as many nanoseconds as 64 bits hold, 292 years

REGISTRY_GC_SECONDS = 15 * 60  # between two times that old entries are forgotten
REGISTRY_AGENT_AGE_SECONDS = 14 * 24 * 60 * 60  # of an agent that is unreachable or gone; then it is forgotten
REGISTRY_AGENTS_MAX = 102_400  # that are unreachable, and that are gone; beyond, the oldest are forgotten

REGISTRATION_RETRY_SECONDS = 1  # an agent's first repetition; each next wait is twice as long
REGISTRATION_RETRY_SECONDS_MAX = 60

STATUS_UPDATE_RETRY_SECONDS = 10  # first repetition; each next wait is twice as long
STATUS_UPDATE_RETRY_SECONDS_MAX = 10 * 60

KILL_GRACE_SECONDS = 3  # between asking a task to end and killing it

EXECUTOR_REGISTRATION_SECONDS = 60  # from the start of an executor until it has subscribed, else it is killed
EXECUTOR_SHUTDOWN_GRACE_SECONDS = 5  # between asking an executor to end and killing it
EXECUTOR_HEARTBEAT_SECONDS = 30 * 60  # agent to executor

EXECUTOR_CPUS_MILLI_MIN = 10  # an executor of a group has at least 0.01 cpus and 32 MiB; others are warned of less
EXECUTOR_MEM_MILLI_MIN = 32_000

ALLOCATION_INTERVAL_SECONDS = 1
WHITELIST_SECONDS = 5  # between two times that the list of hosts is read
ALLOCATION_RECOVERY_SECONDS = 10 * 60  # how long a new master's agents are waited for before offers are made
WEIGHT_LEAST, WEIGHT_MOST = 1e-6, 1e9  # of a role; beyond that shares divided by weights are no numbers any more
REFUSE_SECONDS = 5  # default length of an offer filter
REFUSE_SECONDS_MAX = 365 * 24 * 60 * 60
MIN_ALLOCATABLE = (
    Resources.parse("cpus:0.01"),
    Resources.parse("mem:32"),
)  # at least one must be there to offer

REGISTRY_FETCH_SECONDS = 60  # how long a new master may take to read the registry
REGISTRY_STORE_SECONDS = 20  # how long a change may take to be durable

ROLES_MAX = 1_000  # of one framework, which enters each in one step; Mesos has no bound
GROUP_TASKS_MAX = 256  # of one LAUNCH_GROUP, which is launched in one step; Mesos has no bound
ALTERNATIVES_MAX = 1_000  # offer constraints of one framework, and likewise the least it wants to be offered

COMPLETED_FRAMEWORKS_MAX = 50  # kept for readers, oldest dropped
COMPLETED_TASKS_MAX = 1_000  # per framework
UNREACHABLE_TASKS_MAX = 1_000  # per framework
AGENT_COMPLETED_TASKS_MAX = 200  # per framework on one agent
AGENT_COMPLETED_EXECUTORS_MAX = 150  # per framework on one agent

assert REGISTRATION_RETRY_SECONDS <= REGISTRATION_RETRY_SECONDS_MAX, "waits double up to the maximum"
assert REGISTRATION_RETRY_SECONDS_MAX < AGENT_REREGISTER_SECONDS, "an agent must have time to come back"
assert AGENT_PING_SECONDS * AGENT_PINGS_MISSED_MAX < AGENT_REREGISTER_SECONDS, "an agent that is cut off notices it"
assert STATUS_UPDATE_RETRY_SECONDS <= STATUS_UPDATE_RETRY_SECONDS_MAX, "waits double up to the maximum"
assert KILL_GRACE_SECONDS < STATUS_UPDATE_RETRY_SECONDS, "a kill ends before its first update is repeated"
assert ALLOCATION_INTERVAL_SECONDS <= REFUSE_SECONDS <= REFUSE_SECONDS_MAX, "a refusal must outlast an allocation"
assert all(MIN_ALLOCATABLE), "an empty alternative would make offers of nothing"
