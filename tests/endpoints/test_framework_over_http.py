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


class Steady(mesoslite.Framework):
    """Keeps a task through a takeover, and stops with the state that it has then."""

    def __init__(self):
        super().__init__(failover_timeout=600)
        self.running = la.Promise()
        self.heard = []

    def on_disconnected(self):
        self.heard.append("disconnected")

    def on_resubscribed(self, framework_id):
        self.heard.append("resubscribed")
        self.look()

    def look(self):
        self.reconcile("steady")
        la.delay(0.2, self.pid, Steady.look)  # nobody answers before its agent is back

    def on_offers(self, offers):
        tasks = [self.task(offers[0], "sleep 1000", cpus=0.5, mem=32, task_id="steady")]
        self.launch(offers[0], tasks if self.running.future.is_pending() else [])
        self.decline(*offers[1:])

    def on_update(self, status):
        if status.message.startswith("Reconciliation"):
            self.stop((*self.heard, status.state.name))
        elif status.state is mesoslite.TaskState.TASK_RUNNING:
            self.running.set(None)


# Goal: a takeover is survived, whichever masters were named: the standbys tell who leads.
@pytest.mark.parametrize("named", [slice(None), slice(2, 3)])
def test_a_framework_over_http_comes_through_a_takeover(named):
    with mesoslite.Cluster(masters=3) as cluster, la.Runtime() as runtime:
        steady = Steady()
        result = submit(runtime, steady, HttpConnection(cluster.urls[named]))
        steady.running.future.get(timeout=BOUND)

        cluster.fail_over()

        assert result.get(timeout=BOUND) == ("disconnected", "resubscribed", "TASK_RUNNING")
