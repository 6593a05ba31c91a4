"""The types of calls: what would fail at run time is an error of the type checker, and results have their types."""

# The module below says of each line what mypy must say: see conftest.py.

from libactor._core import _actor

SOURCE = """\
import dataclasses
import typing
import libactor as la

@dataclasses.dataclass(frozen=True)
class Reset: ...

class Counter(la.Actor):
    def add(self, k: int, *, times: int = 1) -> int: return k
    def later(self) -> la.Future[str]: return la.ready("a")
    def nothing(self) -> None: ...
    async def waits(self, k: int) -> bytes:
        reveal_type(await la.dispatch(self.pid, Counter.add, k))  # R: int
        return b""
    async def on_start(self) -> None: await la.sleep(1); await la.stopped(self.pid)
    def unable(self, k: int) -> str:
        if k: return self.stash()
        self.stash()
        return k  # E: return-value
    def unready(self) -> str | None: return self.stash()
    def on_stop(self) -> la.Future[None]: return la.ready(None)
    @la.exclusive
    async def alone(self) -> int: return 1
    @la.handles(Reset)
    def reset(self, message: Reset, sender: la.PID[typing.Any]) -> None: reveal_type(self.pid)  # R: PID[Counter]

class Double(Counter): ...
class Adder(typing.Protocol):
    def add(self, k: int) -> int: ...

pid = la.spawn(Double())
reveal_type(pid)  # R: PID[Double]
base: la.PID[Counter] = pid
wrong: la.PID[Double] = base  # E: assignment
adder: la.PID[Adder] = pid

la.dispatch(pid, Counter.add, 1)
la.dispatch(pid, Counter.add, 1, times=2)
la.dispatch(adder, Adder.add, 1)
reveal_type(la.dispatch(pid, Counter.add, 1))  # R: Future[int]
reveal_type(la.dispatch(pid, Counter.add, 1).get())  # R: int
reveal_type(la.dispatch(pid, Counter.later))  # R: Future[str]
reveal_type(la.dispatch(pid, Counter.nothing))  # R: Future[None]
reveal_type(la.dispatch(pid, Counter.waits, 1))  # R: Future[bytes]
reveal_type(la.dispatch(pid, Counter.alone))  # R: Future[int]
la.dispatch(pid, Counter.waits, "x")  # E: call-overload
la.dispatch(pid, Counter.add, "x")  # E: call-overload
la.dispatch(pid, Counter.add)  # E: call-overload
la.dispatch(pid, Counter.add, 1, 2)  # E: call-overload
la.dispatch(pid, Counter.add, 1, often=2)  # E: arg-type, call-arg
la.dispatch(pid, str.upper)  # E: call-overload
la.dispatch(Counter(), Counter.add, 1)  # E: call-overload

la.tell(pid, Counter.add, 1)
la.tell(pid, Counter.add, "x")  # E: arg-type
la.delay(1.5, pid, Counter.add, 1, times=2)
la.delay(1.5, pid, Counter.add, "x")  # E: arg-type
reveal_type(la.delay(1, pid, Counter.nothing))  # R: Timer
reveal_type(la.execute(pid, lambda: 1))  # R: Future[int]
reveal_type(la.execute(pid, lambda: la.ready("a")))  # R: Future[str]

async def fetch(k: int) -> str: return ""
reveal_type(la.run(fetch, 1))  # R: Future[str]
reveal_type(la.defer(pid, Counter.waits))  # R: Deferred[bytes]
reveal_type(la.execute(pid, Counter().alone))  # R: Future[int]
la.exclusive(len)  # E: type-var
future = la.dispatch(pid, Counter.add, 1)
reveal_type(future.then(str))  # R: Future[str]
reveal_type(future.then(lambda k: la.ready([k])))  # R: Future[list[int]]
reveal_type(future.repair(lambda f: 1))  # R: Future[int]
reveal_type(la.collect([future, future]))  # R: Future[list[int]]
future.then(len)  # E: arg-type
reveal_type(la.defer(pid, Counter.add))  # R: Deferred[int]
reveal_type(la.defer(pid, Counter.later)())  # R: Future[str]
reveal_type(la.defer(lambda k: k)(1))  # R: Future[Any]
reveal_type(future.then(la.defer(pid, Counter.later)))  # R: Future[str]
la.defer(pid)  # E: call-overload
reveal_type(la.defer(pid, Counter.add, la.placeholders._1, times=2, once=True))  # R: Deferred[int]
future.then(la.defer(pid, Counter.nothing, once=1))  # E: call-overload
reveal_type(la.run(len, "a"))  # R: Future[int]
reveal_type(la.run(lambda: la.ready("a")))  # R: Future[str]
la.run(len, 1)  # E: call-overload
la.delegate(Reset, pid)
la.delegate(Reset, None)
la.delegate("Reset", pid)  # E: arg-type

queue = la.Queue[int]()
queue.put("x")  # E: arg-type
reveal_type(queue.get())  # R: Future[int]
reveal_type(la.Sequence().add(lambda: 1))  # R: Future[int]
reveal_type(la.Sequence().add(lambda: la.ready("a")))  # R: Future[str]
machine = la.StateMachine("new")
reveal_type(machine.transition("new", "old", lambda: 1))  # R: int
machine.transition("new", 1)  # E: call-overload
la.Semaphore("1")  # E: arg-type
la.RateLimiter("1")  # E: arg-type

promise: la.Promise[int] = la.Promise()
promise.set(1)
promise.set(future)
promise.set("x")  # E: arg-type
promise.fail("x")  # E: arg-type
reveal_type(la.move([1]))  # R: list[int]
async def wait() -> None:
    reveal_type(await future)  # R: int
la.spawn(Counter)  # E: type-var

pool = la.Pool(2)
reveal_type(pool.submit(len, "a"))  # R: Future[int]
reveal_type(pool.submit(lambda: la.ready("a")))  # R: Future[str]
pool.submit(len, 1)  # E: call-overload
la.Pool("2")  # E: arg-type
timer = la.metrics.Timer("took")
reveal_type(timer.time(future))  # R: Future[int]
timer.time(1)  # E: type-var
counter = la.metrics.Counter("seen")
counter += 1
reveal_type(counter)  # R: Counter
reveal_type(counter.increment())  # R: int
counter.increment(1.5)  # E: arg-type
la.metrics.Gauge("level", la.defer(pid, Counter.add, 1))
async def level() -> float: return 1.0
la.metrics.Gauge("level", level)
la.metrics.Gauge("level", lambda: "full")  # E: arg-type, return-value
reveal_type(la.Runtime().metrics.snapshot())  # R: Future[dict[str, float]]
series: la.TimeSeries[float] = la.TimeSeries(60)
reveal_type(la.Statistics.of(series))  # R: Statistics | None
reveal_type(series.get()[0].value)  # R: float
"""


def test_each_line_is_judged_as_it_says(judge):
    judge(SOURCE)


# Goal: other type checkers read the core in Python, where the class that is made must not be said to be the base.
def test_the_core_in_python_says_that_a_subclass_makes_its_own():
    assert _actor.ActorCell.__new__.__annotations__["return"] == "Self"
