"""Resources in the documents of v0: numbers, texts, what is revocable and what is reserved."""

from mesoslite.api.documents import reserved_document, resources_document
from mesoslite.model import Resources

NONE = {"cpus": 0.0, "gpus": 0.0, "mem": 0.0, "disk": 0.0}


def test_scalars_are_summed_up_over_roles_and_ranges_and_sets_are_text() -> None:
    some = Resources.parse("cpus:2;cpus(ads):1.5;ports:[1-3];ports(ads):[4-6];zones:{b,a}")

    assert resources_document(some) == {**NONE, "cpus": 3.5, "ports": "[1-6]", "zones": "{a, b}"}


def test_what_is_revocable_stands_under_a_name_of_its_own() -> None:
    some = Resources.parse('[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 3}, "revocable": {}}]')

    assert resources_document(some) == {**NONE, "cpus_revocable": 3.0}


def test_reserved_resources_stand_under_their_roles() -> None:
    some = Resources.parse("cpus:2;cpus(ads):1;ports(web):[1-2]")

    assert reserved_document(some) == {"ads": {**NONE, "cpus": 1.0}, "web": {**NONE, "ports": "[1-2]"}}
