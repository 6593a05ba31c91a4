"""What all tests of the runtime share: the fixture `core`, and threads that tell their errors."""

# The fixture `core` runs a test against the Python core and against the C core. Each gets module instances of its own,
# so that reporters set by a test stay in it. LIBACTOR_PURE=1 leaves out C; LIBACTOR_REQUIRE_NATIVE=1 makes a C core
# that was not built an error instead of a skip. ONE_CORE=1, which make sets, leaves out Python where C is under test:
# the run with LIBACTOR_PURE=1 has those. Tests that compare both (load_core) have both all the same.

import contextlib
import importlib
import importlib.util
import os
import re
import signal
import sys
import textwrap
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import libactor
from tests import ready
from tests.thoroughness import usually

PURE = os.environ.get("LIBACTOR_PURE") == "1"
CORES = ["python"] if PURE else ["c"] if os.environ.get("ONE_CORE") == "1" else ["python", "c"]
JOIN_SECONDS = 60  # a bound on failure: no test waits this long
DEVELOPMENT = ("-X", "dev")  # the options of Python with which programs run


def fresh_module(name: str) -> ModuleType | None:
    """Return a new instance of the module ``name``, beside the one that was imported; None if there is no such file."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_file(name: str) -> ModuleType:
    """The file ``name``.py beside this one: only for tests that use it, since what it imports takes its time."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TWINS = (
    "_actor", "_channel", "_future", "_gather", "_hops", "_mailbox", "_pid", "_policy", "_polling", "_promise",
    "_run_queue", "_runtime", "_values", "_wire",
)  # fmt: skip


def fresh_twins() -> list[ModuleType]:
    """Return new instances of the modules of the Python core, which know one another and not those imported before."""
    prefix = "libactor._core._"
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith(prefix)}
    try:
        return [importlib.import_module(f"libactor._core.{part}") for part in TWINS]
    finally:
        for name in [name for name in sys.modules if name.startswith(prefix)]:
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():
            setattr(libactor._core, name.rpartition(".")[2], module)


@pytest.fixture(params=CORES)
def core(request, load_core) -> SimpleNamespace:
    return load_core(request.param)


@pytest.fixture
def load_core() -> Callable[[str], SimpleNamespace]:
    """A function from "python" or "c" to the core's types, constants and set_reporters, and ``count`` to size tests."""

    def load(name: str) -> SimpleNamespace:
        if name == "c" and PURE:
            pytest.skip("LIBACTOR_PURE=1 leaves out the C core")
        modules = [fresh_module("libactor._core._native")] if name == "c" else fresh_twins()
        if None in modules:
            assert os.environ.get("LIBACTOR_REQUIRE_NATIVE") != "1", "the C core was not built, yet is required"
            pytest.skip("the C core was not built; make builds it")
        names = {key: value for module in modules for key, value in vars(module).items() if not key.startswith("_")}
        part = usually(2, 1) if name == "c" else 100
        return SimpleNamespace(**names, name=name, count=lambda full: full // part)

    return load


@pytest.fixture
def together() -> Callable[..., list[object]]:
    """Run functions each in a thread of its own; return their results in order, or raise their first error."""

    def run(*functions: Callable[[], object]) -> list[object]:
        return [wait() for wait in [start_thread(function) for function in functions]]

    return run


def start_thread(function: Callable[[], object]) -> Callable[[], object]:
    """Run ``function`` in a thread; the returned function waits for its end and returns its result or raises."""
    outcome: list[tuple[object, BaseException | None]] = []

    def body() -> None:
        try:
            outcome.append((function(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=body, daemon=True)
    thread.start()

    def wait() -> object:
        thread.join(JOIN_SECONDS)
        assert not thread.is_alive(), f"{thread.name} did not end within {JOIN_SECONDS} s: {function}\n{stacks()}"
        result, error = outcome[0]
        if error is not None:
            raise error
        return result

    return wait


def stacks() -> str:
    """Where every thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sys._current_frames().items()
    return "\n".join(f"{names.get(ident)}:\n{''.join(traceback.format_stack(frame))}" for ident, frame in frames)


@pytest.fixture
def start() -> Callable[[Callable[[], object]], Callable[[], object]]:
    """``start_thread`` as a fixture: this folder is no package, so tests cannot import it."""
    return start_thread


@pytest.fixture
def program() -> Callable[..., str]:
    """Run a program that must end with the status ``expect`` and no word on its error output; what it put out."""

    def run(text: str, expect: int = 0) -> str:
        words = ["-c", textwrap.dedent(text)]
        result = ready.run("libactor", words, python=DEVELOPMENT, timeout=JOIN_SECONDS)
        assert (result.returncode, complaints_in(result.stderr)) == (expect, ""), result.stderr
        return result.stdout

    return run


def complaints_in(errors: str) -> str:
    """What a program in development mode has said on its error output, but for which steps of an asyncio loop took
    long: that is the machine's."""
    return re.sub(r"^Executing <.*> took [0-9.]+ seconds\n", "", errors, flags=re.MULTILINE)


@pytest.fixture
def complaints() -> Callable[[str], str]:
    """``complaints_in`` as a fixture: this folder is no package, so tests cannot import it."""
    return complaints_in


@pytest.fixture
def traced_memory() -> Iterator[Callable[[], int]]:
    """How many bytes are allocated now, by C as well, of those allocated since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()


def open_descriptors() -> set[tuple[int, str]]:
    """The descriptors of this process, each with what it leads to."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add((int(name), os.readlink(f"/proc/self/fd/{name}")))
        except FileNotFoundError:  # that of the folder itself
            continue
    return found


def has_children() -> bool:
    """Whether this process has any child, zombies included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@pytest.fixture
def leaves_nothing() -> Iterator[None]:
    """Of what the test, and fixtures after this one, have opened and started nothing is left."""
    ready.origin("libactor", *DEVELOPMENT)  # which stays, whichever test is the first to need it
    descriptors, threads = open_descriptors(), set(threading.enumerate())
    yield
    assert open_descriptors() - descriptors == set()
    assert set(threading.enumerate()) - threads == set()
    assert not has_children()


@pytest.fixture
def pipe(leaves_nothing) -> Iterator[Callable[[], tuple[int, int]]]:
    """Make pipes; what is open of them after the test is closed."""
    made: list[int] = []

    def make() -> tuple[int, int]:
        made.extend(ends := os.pipe())
        return ends

    yield make
    for descriptor in made:
        with contextlib.suppress(OSError):  # the test has closed it
            os.close(descriptor)


@pytest.fixture
def runtime() -> Iterator[libactor.Runtime]:
    """A runtime that is current while the test runs, and closed afterwards."""
    with libactor.Runtime() as current:
        yield current


@pytest.fixture
def here() -> Iterator[libactor.Runtime]:
    """A runtime that other ones reach over TCP, current while the test runs."""
    with libactor.Runtime(remote=libactor.Remote()) as current:
        yield current


@pytest.fixture
def there() -> Iterator[libactor.Runtime]:
    """Another one, as if it were elsewhere: it is not current."""
    runtime = libactor.Runtime(remote=libactor.Remote())
    yield runtime
    runtime.close()


@pytest.fixture
def paused(runtime) -> libactor.Runtime:
    """As runtime, with its clock paused: time moves by advance, and settle waits until nothing is left to do."""
    runtime.clock.pause()
    return runtime


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Callable[..., SimpleNamespace]:
    """A function from an authority's name and hosts to the paths of certificate, key and authority.

    ``start`` and ``end``: days from now. ``uses``: "server", "client". ``password``: of the key.
    """
    return load_file("certificates").Certificates(tmp_path_factory.mktemp("certificates")).issue


@pytest.fixture
def hold() -> Callable[[libactor.PID], tuple[libactor.Promise, libactor.Future]]:
    """Let an actor be inside a handler until a promise is set: the promise, and the future of the handler."""

    def hold_in_handler(pid: libactor.PID) -> tuple[libactor.Promise, libactor.Future]:
        entered, opened = threading.Event(), libactor.Promise()
        future = opened.future

        def handler() -> None:
            entered.set()
            future.get(JOIN_SECONDS)

        held = libactor.execute(pid, handler)
        assert entered.wait(JOIN_SECONDS)
        return opened, held

    return hold_in_handler


@pytest.fixture
def count() -> Callable[[int], int]:
    """Size a test by the core that runs: a hundredth for the Python core, a quarter under sanitizers."""
    share = 100 if libactor.CORE == "python" else 4 if "ASAN_OPTIONS" in os.environ else 1
    return lambda full: full // share


@pytest.fixture(params=[None, 1e-6], ids=["switching as usual", "switching all the time"])
def switching(request) -> Iterator[None]:
    """Run a test twice: with the usual time until Python lets the next thread run, and with hardly any."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(request.param or before)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def reports(core) -> SimpleNamespace:
    """What the two reporters of the core were told: ``unobserved`` errors, and (function, error) of ``callback``."""
    told = SimpleNamespace(unobserved=[], callback=[])
    core.set_reporters(told.unobserved.append, lambda function, error: told.callback.append((function, error)))
    return told


@pytest.fixture
def alarm() -> Iterator[Callable[..., None]]:
    """Call some functions as signal handlers in the main thread, one every ``seconds``; real signals, so mark ``real``.

    The alarm goes on ringing: a signal that comes just before a thread sleeps is noticed at the next one only.
    """
    handlers: list[Callable[[], object]] = []

    def ring(*_: object) -> None:
        if handlers:
            handlers.pop(0)()

    def set_alarm(*functions: Callable[[], object], seconds: float = 0.01) -> None:
        handlers.extend(functions)
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    before = signal.signal(signal.SIGALRM, ring)
    yield set_alarm
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
