"""Record types: the structs of records.py as records, for whoever keeps them and for whoever shows them."""

# Who calls: master/, which keeps them; api/, whose projections are of these types.
# Beside the vocabulary (mesoslite.model does not import this): it needs libactor.

from libactor.records import RecordType

from .records import Agent, Executor, Framework, Offer, Operation, Task

TASK = RecordType(Task, hot=("task_id", "state"), bytes_max=4 * 2**20)
EXECUTOR = RecordType(Executor, hot=("executor_id", "framework_id", "agent_id"))
AGENT = RecordType(Agent, hot=("id",))
FRAMEWORK = RecordType(Framework, hot=("id",))
OFFER = RecordType(Offer, hot=("id", "framework_id", "agent_id"))
OPERATION = RecordType(Operation, hot=("uuid", "agent_id"))
