"""What an application is given: refused at once if it will not do, and realms that nobody serves let nobody in."""

import asyncio
import logging

import httpx2
import pytest

import libactor as la
from libactor.http import ByEndpoint, Principal, SystemRoute, application

LIMIT = 30


class Secret(la.Actor):
    """Has a route for those who are known."""

    @la.route("/who", realm="house")
    def who(self, request, principal):
        return "nobody" if principal is None else principal.value


class Ann:
    """Takes everybody for Ann."""

    scheme = "Name"

    def authenticate(self, request):
        return Principal("ann")


def ask(site, path):
    """What ``site`` answers to a request for ``path``."""

    async def send():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://house", timeout=LIMIT) as client:
            return await client.get(path)

    return asyncio.run(send())


def test_a_hook_that_raises_is_a_500_and_tells_the_client_nothing(runtime, caplog):
    def broken(*_):
        raise KeyError("secret of the house")

    runtime.spawn(Secret("secret"))
    options = [{"firewall": [broken]}, {"authorize": broken}, {"finish": [broken]}]

    with caplog.at_level(logging.CRITICAL, logger="libactor.http"):
        answers = [ask(application(runtime, **option), "/secret/who") for option in options]

    assert [(answer.status_code, answer.content) for answer in answers] == [(500, b"Internal Server Error")] * 3


# LP HttpAuthenticationTest.NoAuthenticator
def test_without_realms_there_is_no_principal_and_the_log_says_so_once(runtime, caplog):
    runtime.spawn(Secret("secret"))
    app = application(runtime)

    answers = [ask(app, "/secret/who").content for _ in range(3)]

    assert answers == [b"nobody"] * 3
    told = [record for record in caplog.records if record.name == "libactor.http"]
    assert [record.levelname for record in told] == ["WARNING"]
    assert "/secret/who" in told[0].getMessage()
    assert "'house'" in told[0].getMessage()


@pytest.mark.parametrize("realms", [{"huose": Ann()}, {}])
def test_a_realm_that_nobody_serves_lets_nobody_in_and_the_log_names_it_once(runtime, caplog, realms):
    runtime.spawn(Secret("secret"))
    app = application(runtime, realms=realms)

    statuses = [ask(app, "/secret/who").status_code for _ in range(3)]

    assert statuses == [500] * 3
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert "/secret/who: its realm is 'house'" in told[0]
    assert all(repr(name) in told[0] for name in realms)


def test_a_system_route_whose_realm_nobody_serves_is_refused(runtime, caplog):
    system = {"/page": SystemRoute(lambda site, request, principal: "secret", realm="staff")}
    app = application(runtime, realms={"house": Ann()}, system=system)

    with caplog.at_level(logging.CRITICAL, logger="libactor.http"):
        found = ask(app, "/page")

    assert (found.status_code, b"secret" in found.content) == (500, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"realms": Ann()},
        {"realms": {"house": 1}},
        {"realms": {"house": Ann}},
        {"realms": {5: Ann()}},
        {"authorize": 3},
        {"firewall": Ann()},
        {"firewall": "no"},
        {"firewall": [1]},
        {"finish": len},
        {"finish": ["gzip"]},
        {"system": ["/help"]},
        {"system": {"/help": len}},
        {"system": {"help": SystemRoute(len)}},
        {"realm": "house"},
        {"delegate": 5},
        {"body_bytes_max": -1},
        {"bodies_bytes_max": 1.5},
    ],
)
def test_options_that_will_not_do_are_refused_at_once(runtime, wrong):
    with pytest.raises((TypeError, ValueError), match=r"application: got .*, expected"):
        application(runtime, **wrong)


@pytest.mark.parametrize("question", [5, lambda request: True, lambda: True])
def test_a_question_has_to_take_request_and_principal(question):
    with pytest.raises(TypeError, match="ByEndpoint: got '/a/x'"):
        ByEndpoint({"/a/x": question})
