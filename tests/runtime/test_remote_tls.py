"""Runtimes with certificates talk to one another, by the same calls, and to nobody else."""

import pytest

import libactor as la

pytestmark = pytest.mark.real

LIMIT = 30


class Echo(la.Actor):
    def __init__(self):
        super().__init__("echo")

    @la.remote
    def echo(self, value):
        return value


class Watcher(la.Actor):
    def __init__(self, pid, gone):
        super().__init__()
        self.watched, self.gone = pid, gone

    def on_start(self):
        la.link(self.watched)

    def on_exited(self, pid, reason):
        self.gone.set(reason)


@pytest.fixture
def tls(certificates):
    """A function from authority and hosts to a Tls."""
    return lambda *names: la.Tls(**vars(certificates(*names)))


@pytest.fixture
def serving(tls):
    """A runtime with a certificate for 127.0.0.1, and an actor."""
    with la.Runtime(remote=la.Remote(tls=tls("authority", "127.0.0.1"))) as runtime:
        runtime.spawn(Echo())
        yield runtime


def ask(runtime, other, value="hello"):
    return la.dispatch(runtime.parse_pid(f"echo@{other.address}", Echo), Echo.echo, value)


@pytest.mark.parametrize("secret", [None, b"a secret of some length"])
def test_runtimes_of_one_authority_talk(tls, secret):
    files = tls("authority", "127.0.0.1")
    remote = la.Remote(tls=files, secret=secret)
    with la.Runtime(remote=remote) as one, la.Runtime(remote=remote) as other:
        other.spawn(Echo())

        answers = [ask(one, other, value).get(LIMIT) for value in (1, b"x" * 5_000_000, [{"a": (1,)}])]

        assert answers == [1, b"x" * 5_000_000, [{"a": (1,)}]]


def test_many_calls_at_once_are_answered(serving, tls):
    with la.Runtime(remote=la.Remote(tls=tls("authority", "127.0.0.1"))) as runtime:
        futures = [ask(runtime, serving, n) for n in range(2000)]

        assert [future.get(LIMIT) for future in futures] == list(range(2000))


def end_of(runtime, other):
    """What a link to the actor of ``other`` hears, after a call whose outcome is of no matter."""
    gone = la.Promise()
    runtime.spawn(Watcher(runtime.parse_pid(f"echo@{other.address}", Echo), gone))
    return gone.future


STRANGERS = {
    "another authority": lambda tls: la.Remote(tls=tls("another", "127.0.0.1")),
    "no certificate": lambda tls: la.Remote(),
    "only a secret": lambda tls: la.Remote(secret=b"a secret of some length"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_refused_on_both_sides_and_the_good_are_served(serving, tls, name):
    good = la.Runtime(remote=la.Remote(tls=tls("authority", "127.0.0.1")))
    with la.Runtime(remote=STRANGERS[name](tls)) as stranger, good:
        from_stranger, to_stranger = end_of(stranger, serving), end_of(serving, stranger)

        assert isinstance(from_stranger.get(LIMIT), la.Disconnected)
        assert isinstance(to_stranger.get(LIMIT), la.Disconnected)
        assert ask(good, serving).get(LIMIT) == "hello"


def test_with_a_runtime_without_certificate_each_side_is_told_who_has_none(serving, caplog):
    with la.Runtime(remote=la.Remote()) as plain:
        plain.spawn(Echo())
        with pytest.raises(la.Abandoned, match="the peer refuses: TLS: this side has tls= and the peer has none"):
            ask(plain, serving).get(LIMIT)
        with pytest.raises(la.Abandoned, match="TLS: this side has tls= and the peer has none; give both certificates"):
            ask(serving, plain).get(LIMIT)

    assert f"to {plain.address}: refused: the peer has tls= and this side has none" in caplog.text


def test_a_peer_whose_certificate_is_for_another_host_is_refused(serving, tls, monkeypatch):
    files = tls("authority", "127.0.0.2")
    monkeypatch.setattr(la.Tls, "check_address", lambda self, address: None)  # as a peer of ours would not
    with la.Runtime(remote=la.Remote(tls=files)) as liar:
        assert isinstance(end_of(liar, serving).get(LIMIT), la.Disconnected)
        assert isinstance(end_of(serving, liar).get(LIMIT), la.Disconnected)


def test_a_runtime_whose_own_certificate_is_for_another_host_does_not_open(tls):
    with pytest.raises(ValueError, match=r"is for 127\.0\.0\.2, and this runtime is at 127\.0\.0\.1:"):
        la.Runtime(remote=la.Remote(tls=tls("authority", "127.0.0.2")))


def test_off_loopback_a_certificate_will_do(tls):
    assert la.Remote("10.0.0.5:0", tls=tls("authority", "10.0.0.5")).secret is None
    with pytest.raises(ValueError, match="or tls=, or listen on"):
        la.Remote("10.0.0.5:0")


def test_what_is_no_tls_is_refused():
    with pytest.raises(TypeError, match="expected a Tls of three files"):
        la.Remote(tls="cert.pem")
