"""Operations in a whole cluster: a framework reserves, makes a volume, runs tasks, and undoes it, on real agents."""

from __future__ import annotations

import mesoslite
from mesoslite import Offer, TaskStatus
from mesoslite.model import (
    NOTHING,
    Create,
    Destroy,
    Disk,
    Kind,
    Launch,
    OperationID,
    OperationStatus,
    Persistence,
    Portion,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    TaskState,
    Unreserve,
    Volume,
)

from .script import check_books

ADS = Reservation(ReservationType.DYNAMIC, "ads")
CPU = Resources.parse("cpus:1").pushed(ADS)
DISK = Resources.parse("disk:64").pushed(ADS)
DATA = Resources.from_portions(
    [Portion(Kind("disk", reservations=(ADS,), disk=Disk(persistence=Persistence("data"), volume=Volume("d"))), 64_000)]
)


class Keeper(mesoslite.Framework):
    """Reserves and makes a volume, runs a task, undoes all of it when that has ended, and stops when that is told."""

    def __init__(self) -> None:
        super().__init__("keeper", roles=("ads",))
        self.told: list[str] = []
        self.offered: list[Resources] = []
        self.has_run = False

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        [offer] = offers
        self.offered.append(offer.resources)
        if len(self.offered) == 1:
            task = self.task(offer, "true", resources=CPU)
            self.accept(
                offer,
                Reserve(CPU + DISK, id=OperationID("reserve")),
                Create(DATA, id=OperationID("create")),
                Launch((task,)),
                refuse_seconds=0,
            )
        elif self.has_run and offer.resources.contains(CPU + DATA):
            self.accept(
                offer,
                Destroy(DATA, id=OperationID("destroy")),
                Destroy(DATA, id=OperationID("again")),
                Unreserve(CPU + DISK, id=OperationID("unreserve")),
                refuse_seconds=0,
            )
        else:
            self.decline(offer, refuse_seconds=0)

    def on_update(self, status: TaskStatus) -> None:
        assert status.state is not TaskState.TASK_ERROR, status.message
        self.has_run = self.has_run or status.state is TaskState.TASK_FINISHED

    def on_operation(self, status: OperationStatus) -> None:
        self.told.append(f"{status.operation_id} {status.state.name.removeprefix('OPERATION_')}")
        if status.operation_id == "unreserve":
            self.stop(self.told)


def test_what_is_reserved_and_made_is_used_and_undone() -> None:
    with mesoslite.Cluster(agents=1, resources="cpus:2;mem:256;disk:100") as cluster:
        framework = Keeper()

        told = cluster.run(framework, timeout=60)

        assert set(told) == {
            "reserve FINISHED",
            "create FINISHED",
            "destroy FINISHED",
            "again ERROR",
            "unreserve FINISHED",
        }
        assert any(offered.contains(DATA) for offered in framework.offered)
        [agent] = cluster.state().agents
        assert agent.info.resources == Resources.parse("cpus:2;mem:256;disk:100")
        assert agent.used == NOTHING
        check_books(cluster)
