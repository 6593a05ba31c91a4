"""Frameworks written with mesoshttp, and with avmesos, which comes from it, run against a master of ours unchanged."""

# Both read events in a thread, and see one when the next has begun, so what a test waits for is a few heartbeats.
# Not tried is what works nowhere: their REQUEST, whose member they misname, and text beyond ASCII, whose length they
#   count in characters.

import importlib
import queue
import threading
from urllib.parse import urlsplit

import pytest

from mesoslite.model import TaskState

from .conftest import BOUND

pytestmark = [
    pytest.mark.real,
    pytest.mark.parametrize("library", ["mesoshttp", "avmesos"]),
    pytest.mark.filterwarnings("ignore:The 'warn' method:DeprecationWarning"),
]


class Client:
    """A framework of that library, and what it has heard."""

    def __init__(self, library, *urls, framework_id=None):
        kind = importlib.import_module(f"{library}.client").MesosClient
        self.mesos = kind(mesos_urls=list(urls), frameworkId=framework_id, frameworkName=library, max_reconnect=1)
        self.mesos.set_failover_timeout(600)
        self.events = queue.SimpleQueue()
        for name in (kind.SUBSCRIBED, kind.OFFERS, kind.UPDATE, kind.ERROR):
            self.mesos.on(name, self._noting(name))
        self._thread = threading.Thread(target=self.mesos.register)
        self._thread.start()
        self.driver = self.next("SUBSCRIBED")
        self.id = self.mesos.frameworkId

    def _noting(self, name):
        def note(what):
            self.events.put((name, what))

        return note

    def next(self, wanted):
        """The next event of that kind; others before it are passed over."""
        while True:
            name, what = self.events.get(timeout=BOUND)
            if name == wanted:
                return what

    def statuses_until(self, state):
        """The states that updates tell, up to that one, and the last status."""
        told = []
        while not told or told[-1] != state:
            status = self.next("UPDATE")["status"]
            told.append(status["state"])
        return told, status

    def leave(self):
        """Close the stream and go, as a program that is killed would."""
        self.mesos.disconnect_framework()
        self._thread.join(BOUND)
        self.mesos.long_pool.close()

    def tear_down(self):
        """End the framework and go."""
        self.mesos.tearDown()
        self._thread.join(BOUND)
        self.mesos.long_pool.close()


def sleeper(offer):
    return {
        "name": "sleeper",
        "task_id": {"value": "t-1"},
        "agent_id": {"value": offer["agent_id"]["value"]},
        "resources": [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
        ],
        "command": {"value": "sleep 1000"},
    }


def run_sleeper(client):
    """Run a task and return the agent it runs on."""
    [offer] = client.next("OFFERS")
    offer.accept([sleeper(offer.get_offer())])
    assert client.statuses_until("TASK_RUNNING")[0] == ["TASK_STARTING", "TASK_RUNNING"]
    return offer.get_offer()["agent_id"]["value"]


def test_a_task_runs_is_reconciled_and_killed(library, site):
    client = Client(library, site.url)
    agent_id = run_sleeper(client)

    client.driver.reconcile([{"task_id": {"value": "t-1"}, "agent_id": {"value": agent_id}}])
    status = client.next("UPDATE")["status"]
    client.driver.kill(agent_id, "t-1")
    told, _ = client.statuses_until("TASK_KILLED")
    client.tear_down()

    assert (status["state"], status["reason"]) == ("TASK_RUNNING", "REASON_RECONCILIATION")
    assert told == ["TASK_KILLED"]
    state = site.state()
    assert state.frameworks == ()
    [framework] = state.completed_frameworks
    assert [(task.info.task_id, task.state) for task in framework.completed_tasks] == [("t-1", TaskState.TASK_KILLED)]


# Goal: the old one may be there still, or have gone; either way the new one has its framework, with its task.
@pytest.mark.parametrize("has_gone", [False, True])
def test_another_client_goes_on_under_the_same_id(library, has_gone, site):
    old = Client(library, site.url)
    agent_id = run_sleeper(old)
    if has_gone:
        old.leave()

    new = Client(library, site.url, framework_id=old.id)
    new.driver.reconcile([{"task_id": {"value": "t-1"}, "agent_id": {"value": agent_id}}])
    status = new.next("UPDATE")["status"]
    new.driver.kill(agent_id, "t-1")
    new.statuses_until("TASK_KILLED")
    new.tear_down()

    assert new.id == old.id
    assert status["state"] == "TASK_RUNNING"
    if not has_gone:
        assert old.next("ERROR") == "Framework failed over"
        old.leave()


def test_offers_are_declined_and_taken_together(library, site):
    client = Client(library, site.url)
    [offer] = client.next("OFFERS")

    offer.decline(options={"filters": {"refuse_seconds": 0.0}})
    [again] = client.next("OFFERS")
    client.mesos.combine_offers([again], [sleeper(again.get_offer())])
    told, _ = client.statuses_until("TASK_RUNNING")
    client.driver.revive()
    client.tear_down()

    assert told == ["TASK_STARTING", "TASK_RUNNING"]
    assert again.get_offer()["id"] != offer.get_offer()["id"]


def test_a_master_that_does_not_lead_is_no_obstacle(library, site):
    client = Client(library, site.standby())

    run_sleeper(client)
    client.tear_down()

    assert client.mesos.get_master_info()["port"] == urlsplit(site.url).port
