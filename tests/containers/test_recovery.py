"""A containerizer takes over what an earlier life has launched, ended by SIGKILL, and ends what nobody knows."""

import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mesoslite.containment import SupervisedContainerizer
from mesoslite.containment.container_directory import PID, ContainerDirectory
from mesoslite.containment.isolators.isolator import Limitation
from mesoslite.containment.isolators.process_usage import ProcessUsage
from mesoslite.containment.supervised import SupervisedContainer
from mesoslite.model import (
    CommandInfo,
    Conflict,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    Reason,
    Resources,
    Termination,
)
from tests.ready import Program

from .bench import BOUND_SECONDS, Bench, has_ended, is_gone
from .test_streams import Follower

pytestmark = pytest.mark.real

# Launches a container for each name and script, says so when all have started, and waits to be killed.
LIFE = """
import sys, threading
from pathlib import Path
from mesoslite.containment import SupervisedContainerizer
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID

class Notices:
    def started(self):
        count.release()
    def ended(self, termination):
        pass

place, tag, count = Path(sys.argv[1]), sys.argv[2], threading.Semaphore(0)
containerizer = SupervisedContainerizer(str(place / "runtime"))
words = sys.argv[3:]
for name, script in zip(words[::2], words[1::2]):
    sandbox = place / name
    sandbox.mkdir()
    root, point, inner = name.partition(".")
    container_id, command = ContainerID(root + tag + point + inner), CommandInfo(value=script)
    config = ContainerConfig(container_id=container_id, user="", command=command,
                             sandbox=str(sandbox), is_checkpointed="passing" not in name, has_streams="open" in name)
    containerizer.launch(config, Notices())
for _ in words[::2]:
    count.acquire()
print("ready", flush=True)
if sys.stdin.readline() == "detach\\n":
    containerizer.detach()
"""


class Lives:
    """Lives of a containerizer at ``place``, one after the other; the last of them is of this process."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.tag = f"-{uuid.uuid4()}"  # processes of a container are found by its id, whoever has started them
        self.benches: dict[ContainerID, Bench] = {}
        self.containerizer: SupervisedContainerizer | None = None

    def live(self, scripts: dict[str, str], last_word: str | None = None) -> None:
        """Launch ``scripts``, by name, in a program that is killed when they have started, or told ``last_word``."""
        words = [word for item in scripts.items() for word in item]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with Program("mesoslite.containment", ["-c", LIFE, self.place, self.tag, *words], **pipes) as program:
            assert program.stdout.readline() == "ready\n"
            if last_word is None:
                program.kill()
            else:
                program.communicate(f"{last_word}\n", timeout=BOUND_SECONDS)

    def recover(self, *names: str) -> dict[str, Bench]:
        """Begin anew, knowing ``names``."""
        self.containerizer = SupervisedContainerizer(str(self.place / "runtime"))
        found = self.containerizer.recover([self.config(name) for name in names], self.notices)
        assert found.keys() == self.benches.keys()
        for container_id, container in found.items():
            self.benches[container_id].container = container
        return {self.name(container_id): bench for container_id, bench in self.benches.items()}

    def config(self, name: str) -> ContainerConfig:
        command, sandbox = CommandInfo(value=""), str(self.place / name)
        return ContainerConfig(
            container_id=self.container_id(name),
            user="",
            command=command,
            sandbox=sandbox,
            is_checkpointed=True,
            has_streams="open" in name,
        )

    def container_id(self, name: str) -> ContainerID:
        root, point, inner = name.partition(".")
        return ContainerID(f"{root}{self.tag}{point}{inner}")

    def name(self, container_id: ContainerID) -> str:
        return container_id.replace(self.tag, "")

    def notices(self, container_id: ContainerID) -> ContainerNotices:
        self.benches[container_id] = Bench(self.containerizer, self.place / self.name(container_id))
        return self.benches[container_id]

    def directory(self, name: str) -> ContainerDirectory:
        return ContainerDirectory(str(self.place / "runtime"), self.container_id(name))

    def pid(self, name: str) -> int:
        pids = self.directory(name).read_pid()
        assert pids is not None
        assert pids[1] is not None
        return pids[1].pid


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Lives]:
    made = Lives(tmp_path)
    yield made
    if made.containerizer is not None:
        made.containerizer.close()


@pytest.fixture
def waits(tmp_path: Path) -> str:
    """A script that waits."""
    os.mkfifo(tmp_path / "never")
    return f"read x < {tmp_path}/never"


def test_what_runs_is_found_and_obeys(lives: Lives, waits: str):
    lives.live({"box": waits})
    pid = lives.pid("box")
    lives_on = not is_gone(pid)

    box = lives.recover("box")["box"]
    used = lives.containerizer.measure()
    box.container.kill()

    assert lives_on
    assert (box.container.has_started, box.container.pid) == (True, pid)
    assert used[lives.container_id("box")].processes == 1
    assert box.end() == Termination(-signal.SIGKILL)
    assert not box.starts.acquire(blocking=False)


def test_what_has_ended_meanwhile_is_told_how(lives: Lives, tmp_path: Path):
    os.mkfifo(tmp_path / "leave")
    lives.live({"box": f"read x < {tmp_path}/leave; exit 7"})
    supervisor, _ = lives.directory("box").read_pid()
    (tmp_path / "leave").write_text("now\n")
    assert has_ended(supervisor.pid)

    box = lives.recover("box")["box"]

    assert box.end() == Termination(7)


def test_what_nobody_knows_is_ended(lives: Lives, waits: str):
    lives.live({"orphan": waits, "box": waits})
    pid = lives.pid("orphan")

    found = lives.recover("box")

    assert has_ended(pid)
    assert found.keys() == {"box"}
    assert not is_gone(lives.pid("box"))


def test_what_has_left_no_trace_is_not_found(lives: Lives):
    assert lives.recover("box") == {}


def test_what_ended_and_nobody_knows_leaves_no_trace(lives: Lives):
    lives.live({"orphan": "true"})

    lives.recover()
    lives.containerizer.close()

    assert os.listdir(lives.place / "runtime" / "containers") == []


# Goal: an agent that is killed before it has written down how a container has ended learns it again.
def test_an_end_is_told_again_to_a_later_life(lives: Lives, tmp_path: Path):
    lives.live({"box": "exit 5"}, last_word="nothing")

    first = lives.recover("box")["box"].end()
    lives.containerizer.detach()
    again = lives.recover("box")["box"].end()

    assert (first, again) == (Termination(5), Termination(5))
    assert os.listdir(lives.directory("box").path) == ["status"]


class Bounded(ProcessUsage):
    """An isolator that ends a container when the test says so."""

    def watch(self, exceeded: Callable[[ContainerID, Limitation], None]) -> None:
        self.exceeded = exceeded


# Whether it was killed for that when the agent was.
@pytest.mark.parametrize("is_killed", [True, False])
def test_for_what_a_container_is_ended_is_told_by_a_later_life(
    lives: Lives, tmp_path: Path, waits: str, is_killed: bool, monkeypatch: pytest.MonkeyPatch
):
    isolator = Bounded()
    (tmp_path / "box").mkdir()
    config = replace(lives.config("box"), command=CommandInfo(value=waits))
    first = SupervisedContainerizer(str(tmp_path / "runtime"), [isolator])
    bench = Bench(first, tmp_path / "box")
    first.launch(config, bench)
    assert bench.starts.acquire(timeout=BOUND_SECONDS)
    if not is_killed:
        monkeypatch.setattr(SupervisedContainer, "kill", lambda container: None)
    limitation = Limitation(Reason.REASON_CONTAINER_LIMITATION_DISK, "too much", Resources.of(disk=1))
    isolator.exceeded(config.container_id, limitation)
    told = Termination(-signal.SIGKILL, limitation.reason, "too much", limitation.limited)
    assert not is_killed or bench.end() == told
    first.detach()
    monkeypatch.undo()

    assert lives.recover("box")["box"].end() == told


def test_detach_ends_what_is_not_checkpointed_and_lets_go_of_the_rest(lives: Lives, waits: str):
    lives.live({"passing": waits, "box": waits}, last_word="detach")

    names = os.listdir(lives.place / "runtime" / "containers")
    box = lives.recover("box")["box"]
    box.container.terminate(BOUND_SECONDS)

    assert names == [lives.container_id("box")]
    assert box.end() == Termination(-signal.SIGTERM)


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_a_program_that_takes_over_from_itself_has_no_child_left(
    lives: Lives, tmp_path: Path, waits: str, ends_meanwhile: bool
):
    (tmp_path / "box").mkdir()
    lives.containerizer = SupervisedContainerizer(str(tmp_path / "runtime"))
    config = replace(lives.config("box"), command=CommandInfo(value=waits))
    lives.containerizer.launch(config, lives.notices(config.container_id))
    assert lives.benches[config.container_id].starts.acquire(timeout=BOUND_SECONDS)
    supervisor, first = lives.directory("box").read_pid()
    lives.containerizer.detach()
    if ends_meanwhile:
        os.kill(first.pid, signal.SIGKILL)
        assert has_ended(supervisor.pid)

    box = lives.recover("box")["box"]
    box.container.kill()

    assert box.end() == Termination(-signal.SIGKILL)
    lives.containerizer.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(supervisor.pid, os.WNOHANG)


def test_nor_of_a_supervisor_that_had_not_said_its_pid_when_it_was_taken_over(lives: Lives, tmp_path: Path, waits: str):
    (tmp_path / "box").mkdir()
    lives.containerizer = SupervisedContainerizer(str(tmp_path / "runtime"))
    config = replace(lives.config("box"), command=CommandInfo(value=waits))
    lives.containerizer.launch(config, lives.notices(config.container_id))
    assert lives.benches[config.container_id].starts.acquire(timeout=BOUND_SECONDS)
    supervisor, _ = lives.directory("box").read_pid()
    lives.containerizer.detach()
    said = Path(lives.directory("box").file(PID))
    said.rename(tmp_path / "later")

    box = lives.recover("box")["box"]
    (tmp_path / "later").rename(said)
    box.container.kill()
    box.end()

    lives.containerizer.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(supervisor.pid, os.WNOHANG)


def test_a_grace_is_kept_without_an_agent(lives: Lives, tmp_path: Path, waits: str):
    lives.live({"box": f"trap '' TERM; while :; do {waits}; done"})
    lives.recover("box")["box"].container.terminate(0.05)
    pid = lives.pid("box")

    lives.containerizer.detach()

    assert has_ended(pid)


# Goal: nobody else is signalled for a pid that has been given away. Method: the file names this process, and another
#   start; nobody reads the control.
def test_a_pid_that_is_anothers_is_left_alone(lives: Lives, waits: str):
    lives.live({"box": waits})
    supervisor, first = lives.directory("box").read_pid()
    for name in (supervisor, first):  # else it could still say how the other has ended
        os.kill(name.pid, signal.SIGKILL)
    assert has_ended(supervisor.pid)
    Path(lives.directory("box").file("pid")).write_text(f"{os.getpid()} 1 {os.getppid()} 1\n")

    box = lives.recover("box")["box"]

    assert box.end().exit_status is None


# Method: beside the first process there is one of another session, whose parent has gone.
def test_a_container_whose_supervisor_is_killed_ends_with_it(lives: Lives, tmp_path: Path, waits: str):
    os.mkfifo(tmp_path / "told")
    other = f"(setsid sh -c 'echo $$ > {tmp_path}/told; {waits}' &)"
    lives.live({"box": f"{other}; {waits}"})
    pid = int((tmp_path / "told").read_text())
    box = lives.recover("box")["box"]
    supervisor, first = lives.directory("box").read_pid()

    os.kill(supervisor.pid, signal.SIGKILL)

    assert "supervisor" in box.end().message
    assert has_ended(first.pid)
    assert has_ended(pid)


@pytest.mark.parametrize("content", ["", "exited", "exited x\n", "killed 9", "\0\0\0", "failed 2\n", "exited 3\n" * 2])
def test_a_broken_status_is_a_lost_one(lives: Lives, tmp_path: Path, content: str):
    os.mkfifo(tmp_path / "leave")
    lives.live({"box": f"read x < {tmp_path}/leave"})
    supervisor, _ = lives.directory("box").read_pid()
    (tmp_path / "leave").write_text("now\n")
    assert has_ended(supervisor.pid)
    Path(lives.directory("box").file("status")).write_text(content)

    end: Callable[[], Termination] = lives.recover("box")["box"].end

    assert end().exit_status is None


def test_what_is_nested_is_found_below_what_is_known(lives: Lives, waits: str, tmp_path: Path):
    os.mkfifo(tmp_path / "leave")
    lives.live(
        {"box": waits, "box.run": waits, "box.run.deep": waits, "box.over": f"read x < {tmp_path}/leave; exit 7"}
    )
    supervisor, _ = lives.directory("box.over").read_pid()
    (tmp_path / "leave").write_text("now\n")
    assert has_ended(supervisor.pid)

    found = lives.recover("box")

    assert list(found) == ["box", "box.over", "box.run", "box.run.deep"]
    assert found["box.over"].end() == Termination(7)
    with pytest.raises(Conflict):
        lives.containerizer.launch(lives.config("box.over"), found["box.over"])
    lives.containerizer.remove(lives.container_id("box.over"))
    found["box"].container.kill()
    assert {found[name].end() for name in ("box", "box.run", "box.run.deep")} == {Termination(-signal.SIGKILL)}
    assert [name for name in os.listdir(tmp_path / "runtime/containers") if "." in name] == []


def test_what_is_nested_in_what_has_ended_is_ended_before_that_is_told(lives: Lives, waits: str, tmp_path: Path):
    os.mkfifo(tmp_path / "leave")
    lives.live({"box": f"read x < {tmp_path}/leave; exit 7", "box.run": waits})
    inner = lives.pid("box.run")
    supervisor, _ = lives.directory("box").read_pid()
    (tmp_path / "leave").write_text("now\n")
    assert has_ended(supervisor.pid)

    found = lives.recover("box")

    assert found["box"].end() == Termination(7)
    assert is_gone(inner)
    assert found["box.run"].ends.get_nowait() == Termination(-signal.SIGKILL)


@pytest.mark.parametrize("nested", ["gone.run", "box.passing"])
def test_what_is_nested_and_not_known_is_ended(lives: Lives, waits: str, nested: str):
    root = nested.partition(".")[0]
    lives.live({root: waits, nested: waits})
    pid = lives.pid(nested)

    found = lives.recover(*[root] * (root == "box"))

    assert list(found) == [root] * (root == "box")
    assert has_ended(pid)


def test_what_was_attached_to_can_be_attached_to_again(lives: Lives):
    lives.live({"open": "read x; echo got $x", "open.open": "read x; echo got $x"})

    found = lives.recover("open")

    for name in ("open.open", "open"):
        follower = Follower()
        attachment = lives.containerizer.attach(lives.container_id(name))
        attachment.follow(follower)
        attachment.write(b"this\n", lambda taken: None)
        assert follower.wait() == b"got this\n"
        assert found[name].exit_status() == 0
