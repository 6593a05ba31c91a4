"""The examples do what they say, as programs of their own."""

import signal
import subprocess
from pathlib import Path

import pytest

import libactor as la
import mesoslite
from mesoslite import TaskState
from mesoslite.examples import embed_master
from tests import ready

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.real


def run_example(work_dir: Path) -> subprocess.CompletedProcess[str]:
    example = ROOT / "examples" / "embed_master.py"
    return ready.run("mesoslite", [example, "--work-dir", work_dir], python=("-W", "error"))


def sandbox_of(work_dir: Path, task_id: str) -> Path:
    [latest] = work_dir.glob(f"agent-*/slaves/*/frameworks/*/executors/{task_id}/runs/latest")
    return latest


def test_embed_master_runs_every_task_as_a_process_of_its_own(tmp_path: Path) -> None:
    ran = run_example(tmp_path)

    assert (ran.returncode, ran.stderr) == (0, "")
    expected = embed_master.Sprinter().expected | embed_master.Marathoner().expected
    pids = [int((sandbox_of(tmp_path, task_id) / "stdout").read_text()) for task_id in expected]
    assert len(set(pids)) == len(pids) == len(expected)
    assert not [pid for pid in pids if Path(f"/proc/{pid}/cwd").exists() and work_dir_of(pid).is_relative_to(tmp_path)]
    assert (sandbox_of(tmp_path, "stumble") / "stderr").read_text() == "ouch\n"


def test_the_frameworks_of_embed_master_hear_the_exit_status_of_each_task(tmp_path: Path) -> None:
    frameworks = [embed_master.Sprinter(number=5), embed_master.Marathoner(number=1)]

    with mesoslite.Cluster(agents=3, work_dir=tmp_path) as cluster:
        sprints, marathons = la.collect([cluster.submit(framework) for framework in frameworks]).get(timeout=30)

    assert [sprints[f"sprint-{n}"].exit_status for n in range(5)] == [0] * 5
    assert sprints["stumble"].exit_status == 3
    assert marathons["marathon-0"].exit_status == 0
    assert marathons["endless"].exit_status == -signal.SIGTERM


def test_embed_master_says_so_when_a_task_does_not_end_as_it_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Clumsy(embed_master.Sprinter):
        def __init__(self) -> None:
            embed_master.Workload.__init__(self, {"trip": ("exit 1", TaskState.TASK_FINISHED)})

    monkeypatch.setattr(embed_master, "Sprinter", Clumsy)
    monkeypatch.setattr(
        embed_master, "Marathoner", lambda: embed_master.Workload({"walk": ("true", TaskState.TASK_FINISHED)})
    )

    status = embed_master.main(["--work-dir", str(tmp_path)])

    assert status == 1
    assert "trip: expected TASK_FINISHED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "heights"),
    [([], ""), ([0.0, 1.0], " █"), ([0.5] * 120, "▄" * 60)],
    ids=["nothing", "short", "long"],
)
def test_the_plot_draws_shares_from_0_to_1(values: list[float], heights: str) -> None:
    [line] = embed_master.plot(values, height=1)

    assert line == f" 100% │{heights}"


def work_dir_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()
