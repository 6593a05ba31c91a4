"""What is told of failures between two runtimes: where an error was raised, what was lost, and why."""

import dataclasses
import logging
import socket

import pytest

import libactor as la
from libactor import crossing
from libactor.codec import Writer
from libactor.transport import frames

pytestmark = pytest.mark.real

LIMIT = 30


class Special(Exception):
    pass


@dataclasses.dataclass
class Parcel:
    n: int


class Failing(la.Actor):
    def __init__(self):
        super().__init__("failing")

    @la.remote
    def fail(self, error):
        raise error

    @la.remote
    def fail_for(self, error, cause, handled):
        try:
            try:
                raise handled
            except OSError:
                raise cause  # noqa: B904
        except type(cause) as caught:
            raise error from caught

    @la.remote
    def fail_alone(self, error):
        try:
            raise ValueError("hidden")
        except ValueError:
            raise error from None

    @la.remote
    def fail_in_a_circle(self, error):
        raise error from error

    @la.remote
    def note(self, value):
        pass


@pytest.fixture
def failing(here, there):
    return here.parse_pid(str(there.spawn(Failing())), Failing)


@pytest.fixture
def connection(failing):
    la.dispatch(failing, Failing.note, 1).get(LIMIT)
    return failing._process.runtime.current


@pytest.fixture
def nobody(here):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield here.parse_pid(f"nobody@127.0.0.1:{unused.getsockname()[1]}", Failing)


def written_elsewhere(value):
    """As it is written where there are classes that are not here."""
    return Writer().encode(value).replace(b"Special", b"Elsewhe").replace(b"Parcel", b"Beyond")


def test_an_error_says_where_it_was_raised(failing):
    with pytest.raises(KeyError) as raised:
        la.dispatch(failing, Failing.fail, KeyError(2)).get(LIMIT)

    [note] = raised.value.__notes__
    assert f"raised in Failing.fail of {failing}" in note
    assert "in fail\n    raise error" in note


def test_an_error_says_what_led_to_it(failing):
    with pytest.raises(KeyError) as raised:
        la.dispatch(failing, Failing.fail_for, KeyError(2), ValueError("no number"), OSError(9, "lost")).get(LIMIT)

    [note] = raised.value.__notes__
    places = [
        note.index(text)
        for text in (
            "raise error from caught",
            "\ncaused by ValueError: no number\n",
            "raise cause",
            "\nwhile handling OSError: [Errno 9] lost\n",
            "raise handled",
        )
    ]
    assert places == sorted(places)


def test_an_error_that_was_raised_from_none_says_nothing_of_what_led_to_it(failing):
    with pytest.raises(KeyError) as raised:
        la.dispatch(failing, Failing.fail_alone, KeyError(2)).get(LIMIT)

    [note] = raised.value.__notes__
    assert "raise error from None" in note
    assert "hidden" not in note


def test_a_cause_that_leads_to_itself_is_told_a_few_times(failing):
    with pytest.raises(KeyError) as raised:
        la.dispatch(failing, Failing.fail_in_a_circle, KeyError(2)).get(LIMIT)

    [note] = raised.value.__notes__
    assert note.count("caused by KeyError: 2") == crossing.CAUSES_MAX


def test_the_error_of_the_actor_gets_no_note(there):
    pid, error = there.spawn(Failing()), KeyError(2)

    with pytest.raises(KeyError) as raised:
        la.dispatch(pid, Failing.fail, error).get(LIMIT)

    assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize(
    ("error", "text"),
    [(Special("deep trouble"), "Elsewhe: deep trouble"), (Special(7, [1]), "Elsewhe: 7, ..."), (Special(), "Elsewhe")],
    ids=repr,
)
def test_an_error_that_cannot_be_made_keeps_its_name_and_text(connection, error, text):
    made = connection.read_error(written_elsewhere(error))

    assert type(made) is RuntimeError
    assert str(made) == text
    assert "Elsewhe is no class of an imported module" in made.__notes__[0]


@pytest.mark.parametrize("coded", [b"", b"\xc1", Writer().encode([]), 7, written_elsewhere(Parcel(1))], ids=repr)
def test_what_is_no_error_is_an_error_all_the_same(connection, coded):
    assert "an error that" in str(connection.read_error(coded))


def test_a_tell_that_cannot_be_made_is_a_dead_letter_and_one_line_in_the_log(failing, connection, there, caplog):
    coded = written_elsewhere(((Parcel(1),), {}))

    with caplog.at_level(logging.WARNING, "libactor.transport"):
        for _ in range(3):
            connection.sent(connection.put("tell", frames.TELL_CODED, "failing", "note", coded))
        la.dispatch(failing, Failing.note, 1).get(LIMIT)

    assert there.dead_letters == 3
    [line] = caplog.messages
    assert "note, sent to failing, is lost" in line
    assert f"its arguments cannot be made at {there.address}: " in line
    assert "from a module that both programs import" in line


def test_what_waited_for_a_connection_that_cannot_be_made_is_dead_letters(here, nobody, caplog):
    with caplog.at_level(logging.WARNING, "libactor.transport"):
        la.tell(nobody, Failing.note, 1)
        with pytest.raises(la.Abandoned, match=r"no connection.*may live on"):
            la.dispatch(nobody, Failing.note, 2).get(LIMIT)
        la.tell(nobody, Failing.note, 3)
        with pytest.raises(la.Abandoned):
            la.dispatch(nobody, Failing.note, 4).get(LIMIT)

    assert here.dead_letters == 2
    assert len([line for line in caplog.messages if "can be made" in line]) == 1


class Linked(la.Actor):
    """Sends something to an actor to which it links, and notes how it hears that this came to nothing."""

    def __init__(self, other):
        super().__init__("linked")
        self.other = other
        self.heard = la.Promise()

    def on_start(self):
        la.link(self.other)
        la.tell(self.other, Failing.note, 1)

    def on_exited(self, pid, reason):
        self.heard.set(reason)


# Goal: one failure is said once: whoever links hears of it, and says what it means. What is lost unheard is in the log.
# Method: of the other address the system says at once that nobody can be there.
@pytest.mark.parametrize("address", [None, "255.255.255.255:9"])
def test_of_a_connection_that_cannot_be_made_the_log_says_only_what_no_link_tells(here, nobody, caplog, address):
    if address is not None:
        nobody = here.parse_pid(f"failing@{address}", Failing)
    with caplog.at_level(logging.INFO, "libactor.transport"):
        linked = Linked(nobody)
        here.spawn(linked)
        assert isinstance(linked.heard.future.get(LIMIT), la.Disconnected)
        told = list(caplog.messages)
        la.tell(nobody, Failing.note, 2)
        with pytest.raises(la.Abandoned):
            la.dispatch(nobody, Failing.note, 3).get(LIMIT)

    assert told == []
    assert ["can be made" in line for line in caplog.messages] == [True]


def test_an_actor_that_never_was_is_not_said_to_have_been(here, there):
    with pytest.raises(la.Abandoned, match="or is not there"):
        la.dispatch(here.parse_pid(f"nobody@{there.address}", Failing), Failing.note, 1).get(LIMIT)


def test_who_is_refused_is_named_by_its_socket(here, caplog):
    host, port = here.address.split(":")

    with caplog.at_level(logging.WARNING, "libactor.transport"), socket.create_connection((host, int(port))) as sock:
        sock.settimeout(LIMIT)
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while sock.recv(4096):
            pass
        name = sock.getsockname()

    assert f"connection from a stranger at {name[0]}:{name[1]} to {here.address}: refused" in caplog.text
    assert "began with 'GET / HTTP/1.1\\r\\n'" in caplog.text


def test_who_waits_for_the_end_of_an_actor_elsewhere_is_told_to_link(failing):
    with pytest.raises(RuntimeError, match=r"wait, stopped: .* an actor of another host"):
        la.wait(failing, LIMIT)


def test_a_thread_that_reads_for_its_answer_is_stopped_in_the_child_of_a_fork(here, connection, monkeypatch):
    monkeypatch.setattr(here, "check_here", lambda: (_ for _ in ()).throw(here.forked()))

    with pytest.raises(la.ForkedRuntime, match="is a fork"):
        connection.help(la.Promise().future, LIMIT)
    monkeypatch.undo()
