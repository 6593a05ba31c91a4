"""A user's framework runs unchanged over HTTP: the same class, a real cluster, real tasks."""

import pytest

import libactor as la
import mesoslite
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection

pytestmark = pytest.mark.real

BOUND = 120.0


class Two(mesoslite.Framework):
    """Runs a task that succeeds and one that fails, and stops with their exit statuses."""

    def __init__(self):
        super().__init__(roles=("ads",))
        self.commands = {"good": "true", "bad": "exit 3"}
        self.ended = {}

    def on_offers(self, offers):
        assert {offer.role for offer in offers} == {"ads"}
        for offer in offers:
            tasks = [
                self.task(offer, command, cpus=0.5, mem=32, task_id=task_id)
                for task_id, command in self.commands.items()
            ]
            self.commands = {}
            self.launch(offer, tasks)

    def on_update(self, status):
        if status.state.is_terminal:
            self.ended[status.task_id] = (status.state.name, status.exit_status)
        if len(self.ended) == 2:
            self.stop(self.ended)


@pytest.mark.parametrize("over_http", [True, False])
def test_a_framework_behaves_alike_over_http_and_in_process(over_http):
    with mesoslite.Cluster(agents=1) as cluster, la.Runtime() as runtime:
        if over_http:
            ended = submit(runtime, Two(), HttpConnection(cluster.url)).get(timeout=BOUND)
        else:
            ended = cluster.run(Two(), timeout=BOUND)
        state = cluster.state()

    assert ended == {"good": ("TASK_FINISHED", 0), "bad": ("TASK_FAILED", 3)}
    assert state.frameworks == ()
    assert state.agents[0].free == state.agents[0].info.resources
