"""What a command names by URIs is in its sandbox before it starts, and ends with it; the cache serves all."""

import json
import os
import pwd
import queue
import signal
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mesoslite.containment import FetcherOptions, FetchingContainerizer
from mesoslite.containment.fetching.programs import COMMAND, job_of
from mesoslite.model import (
    CommandURI,
    Conflict,
    ContainerID,
    InvalidRequest,
    Reason,
    Resources,
    Termination,
    nested_id,
)

from .bench import BOUND_SECONDS, MAKE, Bench

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")
KILLED = Reason.REASON_TASK_KILLED_DURING_LAUNCH


class Gate:
    """A server whose answers wait: ``asked`` tells of each question, and ``open`` lets it be answered."""

    def __init__(self) -> None:
        self.asked: queue.Queue[str] = queue.Queue()
        self.open, self.is_over = threading.Semaphore(0), False
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.asked.put(self.path)
                gate.open.acquire(timeout=BOUND_SECONDS)
                if gate.is_over:
                    return
                self.send_response(404 if self.path == "/none" else 200)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"text")

            def log_message(self, format: str, *arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def uri(self, path: str = "/f", **fields: Any) -> tuple[CommandURI, ...]:
        return (CommandURI(value=f"http://127.0.0.1:{self.server.server_address[1]}{path}", **fields),)

    def await_question(self) -> str:
        return self.asked.get(timeout=BOUND_SECONDS)

    def close(self) -> None:
        self.is_over = True
        self.open.release(100)
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Gate()
    yield made
    made.close()


def fetching(kind: str, place: Path, **options: Any) -> FetchingContainerizer:
    return FetchingContainerizer(MAKE[kind](place / "runtime"), str(place), FetcherOptions(**options))


@pytest.fixture
def containerizer(kind: str, tmp_path: Path) -> Iterator[FetchingContainerizer]:
    made = fetching(kind, tmp_path)
    yield made
    made.close()


@pytest.fixture
def posix(tmp_path: Path) -> Iterator[FetchingContainerizer]:
    """What is the same with each containerizer is tried with one."""
    made = fetching("posix", tmp_path, cache_bytes=10)
    yield made
    made.close()


def first_bench(containerizer: FetchingContainerizer, place: Path) -> Bench:
    (place / "sandbox").mkdir()
    return Bench(containerizer, place / "sandbox")


def another(bench: Bench, name: str) -> Bench:
    """A bench of the same containerizer, with a sandbox of its own."""
    sandbox = bench.sandbox.parent / name
    sandbox.mkdir()
    return Bench(bench.containerizer, sandbox)


def put(place: Path, name: str, text: str) -> str:
    (place / name).write_text(text)
    return str(place / name)


def figures(containerizer: FetchingContainerizer) -> dict[str, float]:
    return {name: figure() for name, figure in containerizer.figures.items()}


def test_a_command_finds_what_it_names(bench: Bench, tmp_path: Path):
    script = put(tmp_path, "script", "echo fetched; cat dir/script")
    with tarfile.open(tmp_path / "a.tgz", "w:gz") as archive:
        archive.add(script, "dir/script")

    container = bench.launch(
        "./script", uris=(CommandURI(value=script, executable=True), CommandURI(value=str(tmp_path / "a.tgz")))
    )

    assert bench.exit_status() == 0, bench.output("stderr")
    assert bench.starts.acquire(timeout=BOUND_SECONDS)
    assert container.has_started
    assert bench.output() == "fetched\necho fetched; cat dir/script"
    assert f"Fetched {script!r} to 'script'" in bench.output("stderr")
    assert figures(bench.containerizer)["task_fetches_succeeded"] == 1


@as_root
def test_what_is_fetched_is_the_users_and_read_with_his_rights(open_bench: Bench):
    place, nobody = open_bench.sandbox.parent, pwd.getpwnam("nobody")
    uri, secret = put(place, "f", "text"), put(place, "secret", "root's")
    os.chmod(secret, 0o600)

    open_bench.launch("cat d/f", user="nobody", uris=(CommandURI(value=uri, output_file="d/f", cache=True),))

    assert open_bench.exit_status() == 0, open_bench.output("stderr")
    assert open_bench.output() == "text"
    assert (open_bench.sandbox / "d/f").stat().st_uid == nobody.pw_uid
    for is_cached in (False, True):
        uris = (CommandURI(value=secret, cache=is_cached),)
        end = launch_again(open_bench, f"more{is_cached}", "cat secret", user="nobody", uris=uris)
        assert end.message == f"Failed to fetch {secret!r}: Permission denied"


def launch_again(bench: Bench, name: str, script: str, **command: Any) -> Termination:
    again = another(bench, name)
    again.launch(script, **command)
    return again.end()


def test_what_cannot_be_fetched_ends_the_launch_with_the_reason(bench: Bench):
    bench.launch("touch ran", uris=(CommandURI(value="/none/such"),))

    message = "Failed to fetch '/none/such': No such file or directory"
    assert bench.end() == Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, message)
    assert bench.output("stderr").endswith(f"{message}\n")
    assert not (bench.sandbox / "ran").exists()
    assert figures(bench.containerizer)["task_fetches_failed"] == 1


def test_what_cannot_be_launched_after_that_is_told_as_its_end(bench: Bench, tmp_path: Path):
    uris = (CommandURI(value=put(tmp_path, "f", "")),)

    bench.launch("/none/such", shell=False, uris=uris)

    end = bench.end()
    assert end.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED
    assert "cannot start '/none/such'" in end.message


@pytest.mark.parametrize("how", ["kill", "terminate"])
@pytest.mark.parametrize("is_cached", [False, True])
def test_a_container_that_is_ended_while_its_files_come_ends_at_once(
    bench: Bench, gate: Gate, how: str, is_cached: bool
):
    container = bench.launch("touch ran", uris=gate.uri(cache=is_cached))
    gate.await_question()
    was = (container.pid, container.has_started, container.is_ending)

    container.kill() if how == "kill" else container.terminate(60.0)

    assert bench.end().reason is KILLED
    assert (was, container.is_ending) == ((None, False, False), True)
    assert not (bench.sandbox / "ran").exists()


def test_a_signal_waits_for_the_command(bench: Bench, gate: Gate):
    container = bench.launch("read line < fifo", uris=gate.uri())
    bench.make_fifo()
    gate.await_question()

    container.signal(signal.SIGKILL)
    gate.open.release()

    assert bench.exit_status() in (-signal.SIGKILL, 128 + signal.SIGKILL)


@pytest.mark.parametrize("how", ["detach", "close"])
def test_an_agent_that_ends_leaves_no_fetcher_and_launches_nothing(bench: Bench, gate: Gate, how: str):
    bench.launch("touch ran", uris=gate.uri())
    gate.await_question()

    getattr(bench.containerizer, how)()

    assert bench.end().reason is KILLED
    assert not (bench.sandbox / "ran").exists()


def test_what_an_update_says_meanwhile_holds_for_the_launch(posix: Any, tmp_path: Path, gate: Gate):
    bench = first_bench(posix, tmp_path)
    launched = []
    inner = posix._containerizer
    launch = inner.launch
    inner.launch = lambda config, notices: launched.append(config) or launch(config, notices)
    bench.launch("true", uris=gate.uri(), given={"A": "kept"})
    gate.await_question()

    posix.update(msgspec.structs.replace(bench.launched_config, resources=Resources.of(cpus=3), environment=()))
    gate.open.release()

    assert bench.exit_status() == 0
    assert (launched[0].resources, launched[0].environment) == (Resources.of(cpus=3), (("A", "kept"),))
    posix.update(bench.launched_config)  # with its URIs, after it has ended


def test_the_end_of_a_parent_waits_for_what_was_fetched_in_it(bench: Bench, gate: Gate):
    ends: queue.Queue[str] = queue.Queue()
    inside = another(bench, "inside")
    bench.ended = lambda termination: ends.put("parent")
    inside.ended = lambda termination: ends.put(f"nested, {termination.reason.name}")
    bench.make_fifo()
    parent = bench.launch("read line < fifo")
    bench.leader(parent)
    nested = msgspec.structs.replace(
        inside.config("touch ran", uris=gate.uri()), container_id=nested_id(bench.launched, "inside")
    )
    bench.containerizer.launch(nested, inside)
    gate.await_question()
    with pytest.raises(Conflict, match="kill it first"):
        bench.containerizer.remove(nested.container_id)

    parent.kill()

    assert [ends.get(timeout=BOUND_SECONDS) for _ in range(2)] == [f"nested, {KILLED.name}", "parent"]
    bench.containerizer.remove(nested.container_id)


def test_a_debug_container_has_no_uris_and_a_plain_containerizer_refuses_them(bench: Bench):
    config = bench.config("true", uris=(CommandURI(value="/f"),))

    with pytest.raises(InvalidRequest, match="a debug container has no URIs"):
        bench.containerizer.launch(msgspec.structs.replace(config, is_debug=True, parent=ContainerID("p")), bench)
    with pytest.raises(InvalidRequest, match="nothing is fetched"):
        bench.containerizer._containerizer.launch(config, bench)


# ---- the cache ----


def test_what_was_fetched_once_is_not_fetched_again(posix: Any, tmp_path: Path, gate: Gate):
    bench = first_bench(posix, tmp_path)
    gate.open.release(5)

    ends = [launch_again(bench, name, "cat f", uris=gate.uri(cache=True)) for name in ("a", "b")]

    assert [end.exit_status for end in ends] == [0, 0]
    assert gate.asked.qsize() == 1
    assert figures(posix) == {
        "task_fetches_succeeded": 2,
        "task_fetches_failed": 0,
        "cache_size_total_bytes": 10,
        "cache_size_used_bytes": 4,
    }
    assert os.stat(tmp_path / "fetch").st_mode & 0o777 == 0o700


def test_who_asks_for_what_is_being_fetched_waits_for_that(posix: Any, tmp_path: Path, gate: Gate):
    bench = first_bench(posix, tmp_path)
    benches = [another(bench, name) for name in ("a", "b", "c")]
    first, *_ = [each.launch("cat f", uris=gate.uri(cache=True)) for each in benches]
    gate.await_question()

    first.kill()  # the others still wait, so that it goes on
    assert benches[0].end().reason is KILLED
    gate.open.release()

    assert [each.exit_status() for each in benches[1:]] == [0, 0]
    assert [each.output() for each in benches[1:]] == ["text", "text"]
    assert gate.asked.empty()


def test_what_could_not_be_fetched_is_asked_for_again(posix: Any, tmp_path: Path, gate: Gate):
    bench = first_bench(posix, tmp_path)
    gate.open.release(5)

    ends = [launch_again(bench, name, "true", uris=gate.uri("/none", cache=True)) for name in ("a", "b")]

    assert ["the server answered 404" in end.message for end in ends] == [True, True]
    assert gate.asked.qsize() == 2
    assert list((tmp_path / "fetch").iterdir()) == []
    assert "the server answered 404" in (tmp_path / "a/stderr").read_text()


def test_the_cache_forgets_what_was_asked_for_least_recently(posix: Any, tmp_path: Path, gate: Gate):
    bench = first_bench(posix, tmp_path)
    gate.open.release(9)

    for number, path in enumerate(("/a", "/b", "/a", "/c", "/a", "/b")):  # there is room for two of them
        assert launch_again(bench, str(number), "true", uris=gate.uri(path, cache=True)).exit_status == 0

    assert [gate.asked.get() for _ in range(gate.asked.qsize())] == ["/a", "/b", "/c", "/b"]
    assert figures(posix)["cache_size_used_bytes"] == 8
    assert len(list((tmp_path / "fetch").iterdir())) == 2


def test_what_is_in_use_is_not_forgotten(tmp_path: Path, gate: Gate):
    containerizer = fetching("posix", tmp_path, cache_bytes=4)
    bench = first_bench(containerizer, tmp_path)
    slow = another(bench, "slow")
    slow.launch("cat f", uris=(*gate.uri(cache=True), *gate.uri("/slow")))
    gate.await_question()
    gate.open.release()
    assert gate.await_question() == "/slow"  # and so the first one is there, and to be put into the sandbox

    assert (tmp_path / "fetch/c1").exists()
    uri = put(tmp_path, "g", "more")
    assert launch_again(bench, "fast", "cat g", uris=(CommandURI(value=uri, cache=True),)).exit_status == 0
    was_there = (tmp_path / "fetch/c1").exists()
    gate.open.release()

    assert slow.exit_status() == 0
    assert was_there
    containerizer.close()


def test_what_is_too_large_to_be_kept_is_fetched_all_the_same(tmp_path: Path, gate: Gate):
    containerizer = fetching("posix", tmp_path, cache_bytes=3)
    bench = first_bench(containerizer, tmp_path)
    gate.open.release(5)

    end = launch_again(bench, "a", "cat f", uris=gate.uri(cache=True))

    assert end.exit_status == 0
    assert (tmp_path / "a/stdout").read_text() == "text"
    assert figures(containerizer)["cache_size_used_bytes"] == 0
    containerizer.close()


def test_an_agent_begins_with_an_empty_cache_and_leaves_others_files(posix: Any, tmp_path: Path):
    (tmp_path / "fetch").mkdir()
    for name in ("c7", "others"):
        put(tmp_path / "fetch", name, "old")

    posix.recover([], lambda container_id: None)

    assert [path.name for path in (tmp_path / "fetch").iterdir()] == ["others"]


# Goal: an agent that is killed leaves no fetcher. Method: its end of the pipe goes, as it would with it.
def test_a_fetcher_ends_with_its_agent(tmp_path: Path, gate: Gate):
    job = job_of(
        [{"uri": gate.uri()[0].value, "name": "f", "executable": False, "extract": False, "kept": None}],
        None,
        directory=str(tmp_path),
        bytes_max=1 << 30,
        stall_seconds=BOUND_SECONDS,
        frameworks_home="",
    )
    reads, writes = os.pipe()
    process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=writes)
    os.close(writes)
    assert process.stdin is not None
    with process.stdin as given:
        given.write(json.dumps(job).encode())
    gate.await_question()

    os.close(reads)

    assert process.wait(BOUND_SECONDS) == 1
    assert not (tmp_path / "f").exists()
