"""A framework written with pymesos: runs a task, has another driver go on with it, and prints what happens."""

# Who calls: test_pymesos.py, by a Python that has pymesos, which is not that of the tests. Its argument is the master's
#   host and port. Each line it prints is a list in JSON.
# ruff: noqa: N802 (pymesos names its methods so)

import json
import sys

from addict import Dict
from pymesos import MesosOperatorMasterDriver, MesosSchedulerDriver, Scheduler


def say(*what):
    sys.stdout.write(json.dumps(what) + "\n")


class First(Scheduler):
    """Launches a task and stops once it runs, without ending it."""

    launched = False

    def registered(self, driver, framework_id, master_info):
        say("registered")

    def resourceOffers(self, driver, offers):
        if self.launched:
            driver.declineOffer([offer.id for offer in offers])
            return
        self.launched = True
        task = Dict(name="sleeper", task_id={"value": "t-1"}, agent_id=offers[0].agent_id)
        task.resources = [
            {"name": "cpus", "type": "SCALAR", "scalar": {"value": 0.1}},
            {"name": "mem", "type": "SCALAR", "scalar": {"value": 32}},
        ]
        task.command.value = "sleep 1000"
        driver.launchTasks(offers[0].id, [task])

    def statusUpdate(self, driver, update):
        say(update.state)
        if update.state == "TASK_RUNNING":
            driver.stop(failover=True)

    def error(self, driver, message):
        say("error", message)
        driver.stop()


class Second(Scheduler):
    """Asks about the task, kills it, and stops."""

    def reregistered(self, driver, master_info):
        say("registered again")
        driver.reconcileTasks([{"task_id": {"value": "t-1"}}])

    def statusUpdate(self, driver, update):
        say(update.state, update.get("reason"))
        if update.get("reason") == "REASON_RECONCILIATION":
            driver.killTask(Dict(value="t-1"))
        if update.state == "TASK_KILLED":
            driver.stop()

    error = First.error


def main(address):
    framework = Dict(user="root", name="pymesos", hostname="h", failover_timeout=600)
    MesosSchedulerDriver(First(), framework, address, use_addict=True).run()  # it notes its id in framework
    MesosSchedulerDriver(Second(), framework, address, use_addict=True).run()
    operator = MesosOperatorMasterDriver(address)
    say("healthy", operator.getHealth()["get_health"]["healthy"])
    say("version", operator.getVersion()["get_version"]["version_info"]["version"])
    operator.updateWeights([{"role": "ads", "weight": 2.0}])
    say("weights", operator.getWeights()["get_weights"]["weight_infos"])


main(sys.argv[1])
