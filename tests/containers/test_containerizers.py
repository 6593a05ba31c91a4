"""Commands run as they were told, and none of their processes outlives them."""

import grp
import os
import pwd
import signal
import threading
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mesoslite.containment.accounts import find_account
from mesoslite.containment.environment import inherited_environment, parse_environment
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, FrozenDocument, InvalidRequest, NotFound

from .bench import BOUND_SECONDS, MAKE, Bench, has_ended, is_gone

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", -9), ("kill -15 $$", -15)])
def test_the_end_of_a_command_is_told(bench: Bench, script: str, status: int):
    bench.launch(script)

    assert bench.exit_status() == status


def test_a_command_runs_in_its_sandbox_and_writes_there(bench: Bench):
    bench.launch("pwd; echo wrong >&2; touch made")

    assert bench.exit_status() == 0
    assert bench.output() == f"{bench.sandbox}\n"
    assert bench.output("stderr") == "wrong\n"
    assert (bench.sandbox / "made").exists()


def test_arguments_and_output_may_hold_any_text(bench: Bench):
    bench.launch("echo", shell=False, arguments=("echo", "ä € 🙂", "a b", '"'))

    assert bench.exit_status() == 0
    assert bench.output() == 'ä € 🙂 a b "\n'


def test_a_program_without_arguments_bears_its_own_name(bench: Bench):
    bench.launch("true", shell=False)

    assert bench.exit_status() == 0


def test_input_is_empty(bench: Bench):
    bench.launch("cat")

    assert bench.exit_status() == 0
    assert bench.output() == ""


def test_the_task_environment_goes_over_the_given_one_and_that_over_the_inherited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    for name in ("A", "B", "C"):
        monkeypatch.setenv(name, "inherited")

    bench.launch("echo $A $B $C", {"B": "given", "C": "given"}, environment=(("C", "own"),))

    assert bench.exit_status() == 0
    assert bench.output() == "inherited given own\n"


def test_variables_for_all_containers_stand_in_for_those_of_the_agent(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SECRET", "inherited")
    monkeypatch.setenv("PATH", "/nowhere")
    variables = parse_environment('{"A": "all", "B": "all"}')
    containerizer = MAKE[kind](tmp_path / "runtime", environment=variables)
    bench = Bench(containerizer, tmp_path)

    bench.launch("echo $SECRET $A $B; env | cut -d= -f1", environment=(("B", "own"),))

    assert bench.exit_status() == 0
    first, *names = bench.output().splitlines()
    assert first == "all own"
    assert {*names} - {"SHLVL", "PWD", "OLDPWD", "_"} == {"A", "B", "PATH", "MESOS_CONTAINER_ID"}
    containerizer.close()


def test_variables_for_all_containers_may_have_a_path():
    assert parse_environment('{"PATH": "/own"}') == {"PATH": "/own"}


@as_root
def test_a_command_of_another_user_is_that_users_alone(open_bench: Bench):
    script = "id -un; id -gn; echo $HOME $USER $LOGNAME; touch made; cat $PWD/stdout > again"
    nobody = pwd.getpwnam("nobody")

    open_bench.launch(script, user="nobody")

    assert open_bench.exit_status() == 0, open_bench.output("stderr")
    group = grp.getgrgid(nobody.pw_gid).gr_name
    assert open_bench.output() == f"nobody\n{group}\n{nobody.pw_dir} nobody nobody\n"
    paths = [open_bench.sandbox, *open_bench.sandbox.iterdir()]
    assert {path.name for path in paths[1:]} == {"stdout", "stderr", "made", "again"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in paths} == {(nobody.pw_uid, nobody.pw_gid)}


# Goal: a task cannot have root open, or give it, what is not its own. Method: a second container in the sandbox, such
#   as one that checks a task, after the first has put something in the place of its output.
@as_root
@pytest.mark.parametrize("trap", ["ln -s $PWD/../secret stdout", "mkfifo stdout", "ln kept stdout"])
def test_what_is_no_plain_file_is_not_opened_for_output(open_bench: Bench, trap: str):
    secret = open_bench.sandbox.parent / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    open_bench.launch(f"touch kept; rm stdout; {trap}", user="nobody")
    assert open_bench.exit_status() == 0, open_bench.output("stderr")

    try:
        open_bench.launch("echo more", user="nobody")
        refused = open_bench.exit_status() is None
    except OSError:
        refused = True

    assert refused
    assert (secret.stat().st_uid, secret.read_text()) == (0, "root's")


@as_root
def test_a_sandbox_stays_whose_it_is_when_another_user_looks_in_it(open_bench: Bench):
    for user in ("nobody", "daemon"):
        open_bench.launch(f"echo {user}", user=user)
        assert open_bench.exit_status() == 0, open_bench.output("stderr")

    nobody = pwd.getpwnam("nobody").pw_uid
    assert {path.stat().st_uid for path in (open_bench.sandbox, *open_bench.sandbox.iterdir())} == {nobody}
    assert open_bench.output() == "nobody\ndaemon\n"


@as_root
def test_what_another_user_leaves_behind_ends_too(open_bench: Bench):
    told, fifo = open_bench.make_fifo("told"), open_bench.make_fifo()
    for path in (told, fifo):
        path.chmod(0o666)
    container = open_bench.launch(
        f"(setsid sh -c 'echo $$ > {told}; read x < {fifo}' &); read x < {fifo}", user="nobody"
    )
    (pid,) = open_bench.pids(told, 1)

    container.kill()

    assert open_bench.exit_status() == -signal.SIGKILL
    assert has_ended(pid)


@as_root
def test_a_user_who_cannot_reach_the_sandbox_is_told_where_the_way_ends(open_bench: Bench):
    open_bench.sandbox.parent.chmod(0o700)

    with pytest.raises(PermissionError, match=rf"'nobody' cannot enter '{open_bench.sandbox.parent}'"):
        open_bench.launch("true", user="nobody")

    assert open_bench.sandbox.stat().st_uid == 0
    assert open_bench.ends.empty()


@as_root
def test_a_user_that_is_not_there_is_named(bench: Bench):
    with pytest.raises(NotFound, match="no user 'no-such-user'"):
        bench.launch("true", user="no-such-user")


@pytest.mark.parametrize("user", ["", "root"])
def test_the_agents_own_user_is_no_other(bench: Bench, user: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/somewhere")

    bench.launch("id -u; echo $HOME", user=user)

    assert bench.exit_status() == 0
    assert bench.output() == f"{os.geteuid()}\n/somewhere\n"


# An agent that is not root's cannot switch, and does not look the name up.
def test_without_the_rights_of_root_there_is_no_other_user(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mesoslite.containment.accounts.os.geteuid", lambda: 1234)

    assert find_account("nobody") is None
    assert find_account("no-such-user") is None


def test_what_configures_the_agent_is_not_inherited(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIBPROCESS_PORT", "1")
    monkeypatch.setenv("MESOS_WORK_DIR", "/x")
    monkeypatch.setenv("XMESOS_", "kept")
    monkeypatch.delenv("PATH", raising=False)

    environment = inherited_environment()

    assert "LIBPROCESS_PORT" not in environment
    assert "MESOS_WORK_DIR" not in environment
    assert environment["XMESOS_"] == "kept"
    assert "/bin" in environment["PATH"].split(":")


def test_arguments_up_to_the_limit_of_the_system_arrive(bench: Bench):
    bench.launch("sh", shell=False, arguments=("sh", "-c", "echo ${#1}", "sh", "x" * 131_000))

    assert bench.exit_status() == 0
    assert bench.output() == "131000\n"


def test_a_flood_of_output_is_kept_whole(bench: Bench):
    bench.launch("head -c 20000000 /dev/zero")

    assert bench.exit_status() == 0
    assert (bench.sandbox / "stdout").stat().st_size == 20_000_000


def test_terminate_lets_a_command_end_in_its_own_way(bench: Bench):
    fifo = bench.make_fifo()
    container = bench.launch(f"trap 'echo bye; exit 4' TERM; echo $$ > {fifo}; while :; do read x < {fifo}; done")
    assert bench.pids(fifo, 1) == [bench.leader(container)]

    container.terminate(BOUND_SECONDS)

    assert bench.exit_status() == 4
    assert bench.output() == "bye\n"


def test_terminate_reaches_a_stopped_command(bench: Bench):
    container = bench.launch(f"read x < {bench.make_fifo()}")
    os.kill(bench.leader(container), signal.SIGSTOP)

    container.terminate(BOUND_SECONDS)

    assert bench.exit_status() == -signal.SIGTERM


# Method: a container that has ended is asked as well, since nobody can be sure to meet one that is about to.
def test_a_container_knows_whether_it_is_ending_whatever_was_told(bench: Bench):
    container = bench.launch(f"read x < {bench.make_fifo()}")
    bench.leader(container)
    before = container.is_ending

    container.kill()
    bench.end()

    assert (before, container.is_ending) == (False, True)


def test_kill_ends_what_ignores_being_asked(bench: Bench):
    fifo = bench.make_fifo()
    container = bench.launch(f"trap '' TERM; echo $$ > {fifo}; while :; do read x < {fifo}; done")
    bench.pids(fifo, 1)
    container.terminate(BOUND_SECONDS)
    asked = bench.ends.empty()

    container.kill()

    assert asked
    assert bench.exit_status() == -signal.SIGKILL


# Goal: each way to leave one's parent behind is followed, short of leaving parent, session and environment.
# Method: the command starts a process in that way, which ignores SIGTERM and tells its pid; then it is killed.
#   (`timeout` puts itself and what it starts in a process group of their own.)
@pytest.mark.parametrize(
    "start",
    [
        pytest.param("sh -c '{child}' &", id="child"),
        pytest.param("(sh -c '{child}' &);", id="orphan in the session"),
        pytest.param("setsid sh -c '{child}' &", id="child with a session of its own"),
        pytest.param("setsid sh -c \"sh -c '{child}' &  wait\" &", id="grandchild in that session"),
        pytest.param("timeout 600 sh -c '{child}' &", id="child with a group of its own"),
        pytest.param("(timeout 600 sh -c '{child}' &);", id="orphan with a group of its own"),
        pytest.param("(setsid sh -c '{child}' &);", id="orphan with a session of its own"),
        pytest.param("setsid env -i $(command -v sh) -c '{child}' &", id="child with session and environment its own"),
        pytest.param("(env -i $(command -v sh) -c '{child}' &);", id="orphan with an environment of its own"),
    ],
)
def test_kill_reaches_the_whole_family(bench: Bench, start: str):
    told, begun, fifo = bench.make_fifo("told"), bench.make_fifo("begun"), bench.make_fifo()
    child = f'trap "" TERM; echo $$ > {told}; while :; do read x < {fifo}; done'
    hold = f"echo $$ > {begun}; while :; do read x < {fifo}; done"
    container = bench.launch(f"trap '' TERM; {start.format(child=child)} {hold}")
    (pid,) = bench.pids(told, 1)
    assert bench.pids(begun, 1) == [bench.leader(container)]

    container.terminate(BOUND_SECONDS)
    container.kill()

    assert bench.exit_status() == -signal.SIGKILL
    assert has_ended(pid)


# Goal: a process that left the session is remembered from the first request on, though its parent has gone since.
def test_what_was_found_when_asked_is_killed_with_the_end(bench: Bench):
    told, fifo = bench.make_fifo("told"), bench.make_fifo()
    child = f'trap "" TERM; echo $$ > {told}; while :; do read x < {fifo}; done'
    container = bench.launch(f"setsid sh -c '{child}' & while :; do read x < {fifo}; done")
    (pid,) = bench.pids(told, 1)

    container.terminate(BOUND_SECONDS)

    assert bench.exit_status() == -signal.SIGTERM
    assert has_ended(pid)


@pytest.mark.parametrize("start", ["sh", "setsid sh", "env -i $(command -v sh)"])
def test_what_a_command_leaves_behind_ends_with_it(bench: Bench, start: str):
    told, fifo, leave = bench.make_fifo("told"), bench.make_fifo(), bench.make_fifo("leave")
    bench.launch(f"{start} -c 'echo $$ > {told}; read x < {fifo}' & read x < {leave}; exit 7")
    (pid,) = bench.pids(told, 1)

    leave.write_text("now\n")

    assert bench.exit_status() == 7
    assert has_ended(pid)


# Goal: what was seen of a process when another container ended is still true of it later.
def test_what_outlives_the_end_of_other_containers_ends_with_its_own(bench: Bench):
    told, fifo, leave = bench.make_fifo("told"), bench.make_fifo(), bench.make_fifo("leave")
    bench.launch(f"setsid sh -c 'echo $$ > {told}; read x < {fifo}' & read x < {leave}; exit 7")
    (pid,) = bench.pids(told, 1)
    for _ in range(3):
        bench.launch("true")
        assert bench.exit_status() == 0
    lives = not is_gone(pid)

    leave.write_text("now\n")

    assert bench.exit_status() == 7
    assert lives
    assert has_ended(pid)


def test_containers_do_not_end_with_one_another(bench: Bench):
    stays, leaves, fifo = bench.make_fifo("stays"), bench.make_fifo("leaves"), bench.make_fifo()
    staying = bench.launch(f"setsid sh -c 'echo $$ > {stays}; read x < {fifo}' & read x < {fifo}")
    (pid,) = bench.pids(stays, 1)
    leaving = bench.launch(f"setsid sh -c 'echo $$ > {leaves}; read x < {fifo}' & read x < {fifo}")
    (other,) = bench.pids(leaves, 1)

    leaving.kill()

    assert bench.exit_status() == -signal.SIGKILL
    assert has_ended(other)
    assert not is_gone(bench.leader(staying))
    assert not is_gone(pid)


def test_a_command_is_told_its_container_and_cannot_choose_another(bench: Bench):
    for _ in range(2):
        bench.launch(
            "echo $MESOS_CONTAINER_ID", {"MESOS_CONTAINER_ID": "x"}, environment=(("MESOS_CONTAINER_ID", "y"),)
        )
        assert bench.exit_status() == 0

    assert len({uuid.UUID(line) for line in bench.output().splitlines()}) == 2


def test_a_command_that_forks_on_and_on_is_killed(bench: Bench):
    told, fifo = bench.make_fifo("told"), bench.make_fifo()
    script = f"spawn() {{ (sleep 100 & sleep 100) & }}; for i in 1 2 3 4 5 6 7 8; do spawn; done; echo $$ > {told}"
    container = bench.launch(f"{script}; while :; do spawn; done; read x < {fifo}")
    bench.pids(told, 1)

    container.kill()

    assert bench.exit_status() == -signal.SIGKILL


def test_ending_what_has_ended_changes_nothing(bench: Bench):
    container = bench.launch("true")
    assert bench.exit_status() == 0

    container.terminate(BOUND_SECONDS)
    container.kill()

    assert bench.ends.empty()


def test_a_hundred_short_commands_at_once_are_all_told(bench: Bench):
    for number in range(100):
        bench.launch(f"exit {number % 5}")

    statuses = [bench.exit_status() for _ in range(100)]

    assert sorted(statuses, key=str) == sorted([number % 5 for number in range(100)], key=str)


def test_closing_kills_what_runs_and_leaves_nothing_but_sandboxes(kind: str, tmp_path: Path):
    threads, descriptors = set(threading.enumerate()), set(os.listdir("/proc/self/fd"))
    bench = Bench(MAKE[kind](tmp_path / "runtime"), tmp_path)
    told, child_told, fifo = bench.make_fifo("told"), bench.make_fifo("child_told"), bench.make_fifo()
    bench.launch(f"sh -c 'echo $$ > {child_told}; read x < {fifo}' & echo $$ > {told}; read x < {fifo}")
    pids = [*bench.pids(told, 1), *bench.pids(child_told, 1)]

    bench.containerizer.close()

    assert bench.ends.get_nowait().exit_status == -signal.SIGKILL
    assert all(has_ended(pid) for pid in pids)
    assert (set(threading.enumerate()), set(os.listdir("/proc/self/fd"))) == (threads, descriptors)
    assert (bench.sandbox / "stdout").exists()


def test_a_closed_containerizer_starts_nothing(bench: Bench):
    bench.containerizer.close()

    with pytest.raises(RuntimeError, match="closed"):
        bench.launch("true")


# What is neither honoured nor refused would be believed.
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"limits": (("mem", 64.0),)}, "a limit of mem is not enforced by this agent"),
        ({"container": FrozenDocument.of({"type": "MESOS", "hostname": "h"})}, "container.hostname is not honoured"),
        ({"container": FrozenDocument.of({"type": "DOCKER"})}, "containers of type MESOS only"),
    ],
)
def test_what_a_containerizer_without_isolators_cannot_do_is_refused(bench: Bench, asked: Any, words: str):
    config = ContainerConfig(
        container_id=ContainerID("c"), user="", command=CommandInfo(value="x"), sandbox=str(bench.sandbox), **asked
    )

    with pytest.raises(InvalidRequest, match=words):
        bench.containerizer.launch(config, bench)


def test_a_limit_that_nobody_enforces_is_refused_also_of_what_runs(bench: Bench):
    bench.launch("sleep 1000")

    with pytest.raises(InvalidRequest, match="isolation=cgroups/mem"):
        bench.containerizer.update(msgspec.structs.replace(bench.launched_config, limits=(("mem", 64.0),)))
