"""Look-up: names become addresses in numbers."""

import socket

import pytest

import libactor as la


@pytest.fixture
def names(monkeypatch):
    """What the system finds under names, as (family, address); others lead nowhere."""
    known = {"both.example": [(socket.AF_INET6, "2001:db8::1"), (socket.AF_INET, "192.0.2.1")]}

    def find(host, port, type):
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, type, 6, "", (address, port)) for family, address in known[host] for _ in range(2)]

    monkeypatch.setattr(socket, "getaddrinfo", find)
    return known


def test_a_name_has_all_its_addresses_once_in_the_order_of_the_system(names):
    assert la.look_up("both.example:5050") == ("[2001:db8::1]:5050", "192.0.2.1:5050")


@pytest.mark.parametrize("address", ["192.0.2.1:5050", "[::1]:5050"])
def test_what_is_a_number_is_not_looked_up(names, address):
    assert la.look_up(address) == (address,)


def test_an_address_that_holds_on_one_link_only_is_left_out(names):
    names["near.example"] = [(socket.AF_INET6, "fe80::1%eth0"), (socket.AF_INET, "192.0.2.2")]

    assert la.look_up("near.example:1") == ("192.0.2.2:1",)


def test_a_name_that_leads_nowhere_is_an_error_of_the_system(names):
    with pytest.raises(OSError, match="not known"):
        la.look_up("nobody.example:5050")


def test_what_no_host_can_be_called_is_one_as_well():
    with pytest.raises(OSError, match=r"a\.\.b is no name"):
        la.look_up("a..b:5050")


@pytest.mark.parametrize(
    ("address", "error"), [("both.example", ValueError), (7, TypeError), ("both.example:", ValueError)]
)
def test_what_is_no_address_is_refused(names, address, error):
    with pytest.raises(error, match="expected"):
        la.look_up(address)
