"""The types of records: what comes of a record type has the type of its struct class, and others do not go with it."""

# The module below says of each line what mypy must say: see conftest.py.

SOURCE = """\
import typing
import msgspec
from libactor.records import Collection, JsonWriter, Record, RecordType, Snapshot
from libactor.records.projection import Field, Projection

class Task(msgspec.Struct, array_like=True, frozen=True):
    id: str
class Job(msgspec.Struct, array_like=True, frozen=True):
    id: str

TASK = RecordType(Task, hot=("id",))
JOB = RecordType(Job)
reveal_type(TASK)  # R: RecordType[Task]
reveal_type(TASK.struct)  # R: type[Task]
reveal_type(TASK.read(b""))  # R: Record[Task]
reveal_type(TASK.read(b"").decode())  # R: Task
reveal_type(TASK.read_all(b""))  # R: list[Record[Task]]
record = TASK.pack(Task("a"))
reveal_type(record)  # R: Record[Task]
reveal_type(record.decode().id)  # R: str
reveal_type(record.kind)  # R: RecordKind[Task]
reveal_type(record.id)  # R: Any
TASK.pack(Job("a"))  # E: arg-type
RecordType(str)  # E: type-var
RecordType[int]  # E: type-var

tasks = Collection(TASK, key="id")
reveal_type(tasks)  # R: Collection[Task]
reveal_type(Collection[Task](TASK, ("id",)))  # R: Collection[Task]
wrong: Collection[Job] = Collection(TASK, "id")  # E: arg-type
Collection(Task, "id")  # E: arg-type
bare: Collection  # E: type-arg
tasks.put(record)
tasks.put(JOB.pack(Job("a")))  # E: arg-type
reveal_type(tasks["a"])  # R: Record[Task]
reveal_type(tasks.get("a"))  # R: Record[Task] | None
reveal_type(tasks.get("a", 1))  # R: Record[Task] | int
reveal_type(tasks.pop("a"))  # R: Record[Task]
reveal_type(tasks.pop("a", None))  # R: Record[Task] | None
reveal_type([one for one in tasks])  # R: list[Record[Task]]

snapshot = tasks.snapshot()
reveal_type(snapshot)  # R: Snapshot[Task]
reveal_type([one for one in snapshot])  # R: list[Record[Task]]
reveal_type([one.decode() for one in snapshot])  # R: list[Task]
some: Snapshot[msgspec.Struct] = snapshot
one: Record[msgspec.Struct] = record
narrow: Snapshot[Job] = snapshot  # E: assignment

NAMES, JOBS = Projection(TASK, Field("id")), Projection(JOB, Field("id"))
reveal_type(NAMES)  # R: Projection[Task]
reveal_type(NAMES.render(record))  # R: bytes
reveal_type(NAMES.render_all(list(snapshot)))  # R: bytes
reveal_type(NAMES.pieces(snapshot))  # R: Iterator[bytes]
JOBS.render(record)  # E: arg-type
JOBS.pieces(snapshot)  # E: arg-type
writer = JsonWriter()
writer.record(record, NAMES)
reveal_type(writer.each_piece(snapshot, NAMES))  # R: Iterator[int]
def show(kind: RecordType[Task], names: Projection[Task]) -> typing.Iterator[Record[Task]]: yield from snapshot
"""


def test_each_line_is_judged_as_it_says(judge):
    judge(SOURCE)
