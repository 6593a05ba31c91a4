"""Validation of operations on resources: each rule, for frameworks and for operators."""

import dataclasses
from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    AGENT_HIERARCHICAL_ROLE,
    AGENT_OPERATION_FEEDBACK,
    AGENT_RESERVATION_REFINEMENT,
    AGENT_RESIZE_VOLUME,
    SHARED_RESOURCES,
    Create,
    Destroy,
    Disk,
    DiskSource,
    DiskType,
    GrowVolume,
    Kind,
    OperationID,
    OperationSite,
    Persistence,
    Portion,
    Reservation,
    ReservationType,
    Reserve,
    ResourceOperation,
    Resources,
    ShrinkVolume,
    Unreserve,
    Volume,
    VolumeMode,
    operation_problem,
)
from mesoslite.model.conversions import conversion

DYNAMIC, STATIC = ReservationType.DYNAMIC, ReservationType.STATIC
ADS = Reservation(DYNAMIC, "ads", "me")
PATH = DiskSource(DiskType.PATH, "/p")
MOUNT = DiskSource(DiskType.MOUNT, "/m")
AGENT_ALL = (AGENT_HIERARCHICAL_ROLE, AGENT_RESERVATION_REFINEMENT, AGENT_RESIZE_VOLUME)


def plain(text: str) -> Resources:
    return Resources.parse(text)


def reserved(text: str = "cpus:1", *layers: Reservation) -> Resources:
    some = plain(text)
    for layer in layers or (ADS,):
        some = some.pushed(layer)
    return some


def volume(
    name: str = "v",
    size: int = 8,
    *,
    source: DiskSource | None = None,
    place: Volume | None = Volume("p"),  # noqa: B008, it is frozen
    layers: tuple[Reservation, ...] = (ADS,),
    principal: str | None = "me",
    **kind: Any,
) -> Resources:
    disk = Disk(source, Persistence(name, principal), place)
    return Resources.from_portions([Portion(Kind("disk", reservations=layers, disk=disk, **kind), size * 1000)])


def disk(size: int = 8, source: DiskSource | None = None, layers: tuple[Reservation, ...] = (ADS,)) -> Resources:
    kind = Kind("disk", reservations=layers, disk=Disk(source) if source is not None else None)
    return Resources.from_portions([Portion(kind, size * 1000)])


def provided(some: Resources) -> Resources:
    [portion] = some.portions
    kind = msgspec.structs.replace(portion.kind, provider_id="p")
    return Resources.from_portions([msgspec.structs.replace(portion, kind=kind)])


FRAMEWORK = OperationSite(
    role="ads",
    roles=("ads", "web"),
    framework_capabilities=(SHARED_RESOURCES,),
    principal="me",
    capabilities=AGENT_ALL,
    total=plain("cpus:4;mem:64") + volume("there") + volume("shared", shared=True),
)
OPERATOR = dataclasses.replace(FRAMEWORK, role=None, roles=(), framework_capabilities=())
REVOCABLE = Resources.from_portions([Portion(Kind("cpus", reservations=(ADS,), revocable=True), 1)])


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (Reserve(reserved(), id=OperationID("a/b")), "is named wrongly: operation id"),
        (Reserve(plain("")), "names no resources"),
        (Reserve(reserved("gpus:0.5")), "names 0.5 gpus"),
        (Reserve(REVOCABLE), "which is revocable and reserved by a call"),
        (Reserve(reserved() + provided(reserved("mem:1"))), "names what comes from the agent itself and 'p' together"),
        (Reserve(reserved(), source=plain("cpus:1")), "says a source; only operators may"),
        (Reserve(plain("cpus:1")), "whose last reservation is not DYNAMIC"),
        (Reserve(plain("cpus(ads):1")), "whose last reservation is not DYNAMIC"),  # StaticReservation
        (Reserve(reserved("cpus:1", Reservation(DYNAMIC, "ads"))), "with no principal in its last reservation"),
        # NonMatchingPrincipal
        (
            Reserve(reserved("cpus:1", Reservation(DYNAMIC, "ads", "you"))),
            "with principal 'you' in its last reservation",
        ),
        (Reserve(reserved("cpus:1", Reservation(DYNAMIC, "web", "me"))), "reserved for role 'web', and its offers"),
        (Reserve(volume()), "a persistent volume; reserve disk before"),  # NoPersistentVolumes
        (Reserve(reserved(), allocation_roles=("web",)), "allocated to role 'web'"),  # MismatchedAllocation
        (Reserve(reserved(), allocation_roles=("ads", "web")), "allocated to the roles 'ads' and 'web'"),  # Mixed...
        (Unreserve(plain("")), "names no resources"),
        (Unreserve(plain("cpus(ads):1")), "others stay as long as their agent"),
        (Unreserve(plain("cpus:1")), "others stay as long as their agent"),
        (Unreserve(volume()), "a persistent volume; destroy it first"),
        (Unreserve(reserved(), allocation_roles=("web",)), "allocated to role 'web'"),
        (Create(plain("")), "names no resources"),
        (Create(disk()), "which is not a persistent volume"),
        (Create(volume(layers=())), "a volume that nobody has reserved"),
        (Create(volume(place=None)), "without a place in the container"),
        (Create(volume(place=Volume("p", host_path="/"))), "with a host_path"),
        (Create(volume(place=Volume("p", VolumeMode.RO))), "can only be read"),
        (Create(volume("v", 1) + volume("v", 2)), "the volume 'v' of role 'ads' twice"),  # DuplicatedPersistenceID
        (Create(volume(shared=True) + volume(shared=True)), "2 times; name each volume once"),
        (Create(volume("there", 1)), "whose id a volume of that role on the agent has already"),
        (Create(volume("shared", shared=True)), "whose id a volume of that role on the agent has already"),
        (Create(volume(principal=None)), "with no principal in its disk.persistence"),
        (Create(volume(principal="you")), "with principal 'you' in its disk.persistence"),
        (Create(volume(), allocation_roles=("web",)), "allocated to role 'web'"),
        (Destroy(plain("")), "names no resources"),
        (Destroy(disk()), "which is not a persistent volume"),
        (Destroy(volume("gone")), "a volume that the agent does not have"),
        (Destroy(volume("there", 7)), "a volume that the agent does not have"),
        (Destroy(volume("there"), allocation_roles=("web",)), "allocated to role 'web'"),
        (GrowVolume(plain(""), disk()), "names nothing as its volume"),
        (GrowVolume(volume() + volume("w"), disk()), "as its volume; name one resource"),
        (GrowVolume(volume(), plain("")), "names nothing as its addition"),
        (GrowVolume(volume(place=None), disk()), "has a volume that names disk"),
        (GrowVolume(provided(volume()), disk()), "of a resource provider"),
        (GrowVolume(disk(), disk()), "what is no persistent one"),
        (GrowVolume(volume(shared=True), disk()), "names a shared volume"),
        (GrowVolume(volume(), disk(source=PATH)), "not disk of the kind"),
        (GrowVolume(volume(), disk(layers=())), "not disk of the kind"),
        (GrowVolume(volume(source=MOUNT), disk(source=MOUNT)), "not disk of the kind"),
        (GrowVolume(volume(), disk(), allocation_roles=("web",)), "allocated to role 'web'"),
        (ShrinkVolume(plain(""), 1), "names nothing as its volume"),
        (ShrinkVolume(volume(), 0), "takes 0.0 of a volume of 8.0"),
        (ShrinkVolume(volume(), -1), "takes -0.001 of a volume"),
        (ShrinkVolume(volume(), 8000), "takes 8.0 of a volume of 8.0"),
        (ShrinkVolume(plain("ports:[1-9]"), 1), "takes 0.001 of a volume of 0.0"),
        (ShrinkVolume(provided(volume()), 1), "of a resource provider"),
        (ShrinkVolume(volume(source=MOUNT), 1), "on a MOUNT disk"),
        (ShrinkVolume(disk(), 1), "what is no persistent one"),
        (ShrinkVolume(volume(shared=True), 1), "names a shared volume"),
        (ShrinkVolume(volume(), 1, allocation_roles=("web",)), "allocated to role 'web'"),
    ],
)
def test_an_operation_that_breaks_a_rule_is_refused_with_the_rule(operation: ResourceOperation, problem: str) -> None:
    assert problem in (operation_problem(operation, FRAMEWORK) or "")


NESTED = Reservation(DYNAMIC, "ads/web", "me")


@pytest.mark.parametrize(
    ("operation", "site", "problem"),
    [
        (Reserve(reserved("cpus:1", NESTED)), {"role": "ads/web", "roles": ("ads/web",)}, "HIERARCHICAL_ROLE"),
        (
            Reserve(reserved("cpus:1", Reservation(STATIC, "ads"), NESTED)),
            {"role": "ads/web", "roles": ("ads/web",), "capabilities": (AGENT_HIERARCHICAL_ROLE,)},
            "RESERVATION_REFINEMENT",
        ),
        (Create(volume(layers=(NESTED,))), {"role": "ads/web"}, "HIERARCHICAL_ROLE"),
        (
            Create(volume(layers=(Reservation(STATIC, "ads"), NESTED))),
            {"role": "ads/web", "capabilities": (AGENT_HIERARCHICAL_ROLE,)},
            "RESERVATION_REFINEMENT",
        ),
        (GrowVolume(volume(), disk()), {}, "without the capability RESIZE_VOLUME"),
        (ShrinkVolume(volume(), 1), {}, "without the capability RESIZE_VOLUME"),
        (Reserve(reserved()), {"roles": ("web",)}, "to which its framework no longer subscribes"),
        (Create(volume(shared=True)), {"framework_capabilities": ()}, "lacks the capability SHARED_RESOURCES"),
        (Reserve(reserved(), id=OperationID("o")), {}, "has an id, and its agent lacks the capability"),
        (
            Reserve(reserved(), id=OperationID("o")),
            {"capabilities": (AGENT_OPERATION_FEEDBACK,), "named": {"o"}},
            "has the id o of another that is under way",
        ),
        (Destroy(volume("there")), {"used": volume("there")}, "a volume that tasks use"),
        # DestroyOperationValidationTest.SharedPersistentVolumeInUse
        (Destroy(volume("shared", shared=True)), {"used": volume("shared", shared=True)}, "a volume that tasks use"),
    ],
)
def test_what_an_agent_or_a_framework_lacks_or_has_is_named(
    operation: ResourceOperation, site: Any, problem: str
) -> None:
    lacking = dataclasses.replace(FRAMEWORK, **{"capabilities": (), **site})

    assert problem in (operation_problem(operation, lacking) or "")


def test_what_is_said_of_shared_volumes_and_of_whole_disks_is_not_said_of_others() -> None:
    plainly_able = dataclasses.replace(FRAMEWORK, framework_capabilities=())

    assert operation_problem(Create(volume()), plainly_able) is None
    assert operation_problem(ShrinkVolume(volume(source=PATH), 1), FRAMEWORK) is None


def test_an_operation_may_have_an_id_that_is_free() -> None:
    able = dataclasses.replace(FRAMEWORK, capabilities=(AGENT_OPERATION_FEEDBACK,), named={"another"})

    assert operation_problem(Reserve(reserved(), id=OperationID("o")), able) is None
    assert operation_problem(Reserve(reserved(), id=OperationID("o")), OPERATOR) is None


VALID = [
    (Reserve(reserved("cpus:1;ports:[1-2]")), "cpus:1;ports:[1-2]", None),
    (Reserve(reserved("cpus:1", Reservation(STATIC, "ads"), NESTED)), "cpus(ads):1", "ads/web"),
    (Unreserve(reserved("cpus:1;mem:2")), None, None),
    (Create(volume()), None, None),
    (Create(volume(source=PATH, shared=True)), None, None),
    (Destroy(volume("there")), None, None),
    (GrowVolume(volume(source=PATH), disk(2, PATH)), None, None),
    (ShrinkVolume(volume(), 3000), None, None),
]


# ReserveOperationValidationTest.MatchingRole and the like
@pytest.mark.parametrize(("operation", "before", "role"), VALID)
def test_a_valid_operation_changes_kinds_and_never_amounts(
    operation: ResourceOperation, before: str | None, role: str | None
) -> None:
    site = dataclasses.replace(FRAMEWORK, role=role, roles=(role,)) if role else FRAMEWORK

    problem = operation_problem(operation, site)
    done = conversion(operation)

    assert problem is None
    assert done.before.scalars() == done.after.scalars()
    assert done.before != done.after
    if before is not None:
        assert done.before == plain(before)


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        (Unreserve(reserved()), reserved(), plain("cpus:1")),
        (Create(volume()), disk(), volume()),
        (Create(volume(source=PATH, shared=True)), disk(source=PATH), volume(source=PATH, shared=True)),
        (Destroy(volume(source=PATH, shared=True)), volume(source=PATH, shared=True), disk(source=PATH)),
        (GrowVolume(volume(), disk(2)), volume() + disk(2), volume(size=10)),
        (ShrinkVolume(volume(source=PATH), 3000), volume(source=PATH), volume(size=5, source=PATH) + disk(3, PATH)),
    ],
)
def test_what_an_operation_makes_of_what(operation: ResourceOperation, before: Resources, after: Resources) -> None:
    done = conversion(operation)

    assert (done.before, done.after) == (before, after)
    assert done.reusable is not isinstance(operation, GrowVolume | ShrinkVolume)


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (Reserve(reserved("cpus:1", Reservation(DYNAMIC, "any", "me"))), None),
        (Reserve(reserved("cpus:1"), source=reserved("cpus:1", Reservation(DYNAMIC, "web", "you"))), None),
        (Reserve(reserved("cpus:1"), source=plain("cpus:2")), "name the same amounts"),
        (Reserve(reserved("cpus:1"), source=plain("gpus:0.5")), "has a source that names 0.5 gpus"),
        (
            Reserve(reserved("cpus:1;mem:1"), source=reserved("cpus:1") + plain("mem:1")),
            "which are reserved in different ways",
        ),
        (
            Reserve(
                reserved("cpus:1") + reserved("mem:1", Reservation(DYNAMIC, "web", "me")), source=plain("cpus:1;mem:1")
            ),
            "which are reserved in different ways",
        ),
        (Reserve(reserved(), allocation_roles=("ads",)), "operators convert free ones"),
        (Create(volume(shared=True)), None),
    ],
)
def test_an_operator_may_reserve_for_any_role_from_any_other(operation: ResourceOperation, problem: str | None) -> None:
    found = operation_problem(operation, OPERATOR)

    assert (problem in (found or "")) if problem is not None else found is None


def test_a_reservation_of_what_was_reserved_otherwise_takes_from_its_source() -> None:
    source = reserved("cpus:1", Reservation(DYNAMIC, "web", "you"))

    assert conversion(Reserve(reserved("cpus:1"), source=source)).before == source


def test_nobody_authenticated_may_name_any_principal() -> None:
    site = dataclasses.replace(FRAMEWORK, principal=None)

    assert operation_problem(Reserve(reserved("cpus:1", Reservation(DYNAMIC, "ads", "you"))), site) is None
    assert operation_problem(Create(volume(principal=None)), site) is None
