"""The simulated network: which methods other hosts may call, and PIDs that are read from text."""

import pytest

import libactor as la
from libactor._core.errors import NotPassable
from libactor.testing import DeterministicRuntime

LIMIT = 100


class Note(la.Actor):
    def __init__(self):
        super().__init__("note")
        self.got = []

    @la.remote
    def put(self, value):
        self.got.append(value)
        return len(self.got)

    def hidden(self, value):
        self.got.append(value)

    @la.remote
    def fail(self, value):
        raise KeyError(value)

    @la.remote
    def leak(self, value):
        return la.Mutex()

    def all(self):
        return tuple(self.got)


class Asker(la.Actor):
    def __init__(self):
        super().__init__("asker")
        self.ends = []

    async def ask(self, text, method, value):
        return await la.dispatch(la.parse_pid(text, Note), getattr(Note, method), value)

    def tell(self, text, method, value):
        la.tell(la.parse_pid(text), getattr(Note, method), value)

    def link(self, text):
        la.link(la.parse_pid(text))

    def stop(self, text):
        la.terminate(la.parse_pid(text))

    def on_exited(self, pid, reason):
        self.ends.append((str(pid), reason))

    def ended(self):
        return tuple(self.ends)


@pytest.fixture
def rt():
    with DeterministicRuntime(1) as runtime:
        runtime.host("10.0.0.1:7000")
        yield runtime


@pytest.fixture
def asker(rt):
    return rt.host("10.0.0.2:7000").spawn(Asker())


NOTE = "note@10.0.0.1:7000"


def test_a_call_of_an_unmarked_method_of_another_host_fails_as_between_real_ones(rt, asker):
    note = rt.host("10.0.0.1:7000").spawn(Note())

    with pytest.raises(
        NotPassable, match=r"Note\.hidden is not for other hosts; mark it with @libactor\.remote"
    ) as failed:
        la.dispatch(asker, Asker.ask, NOTE, "hidden", 1).get(LIMIT)

    assert la.dispatch(note, Note.all).get(LIMIT) == ()
    assert not hasattr(failed.value, "__notes__")


def test_an_error_of_another_host_says_where_it_was_raised_as_between_real_ones(rt, asker):
    rt.host("10.0.0.1:7000").spawn(Note())

    with pytest.raises(KeyError) as failed:
        la.dispatch(asker, Asker.ask, NOTE, "fail", 2).get(LIMIT)

    [note] = failed.value.__notes__
    assert f"raised in Note.fail of {NOTE}" in note
    assert "in fail\n    raise KeyError(value)" in note


def test_an_error_of_the_own_host_gets_no_note(rt):
    host = rt.host("10.0.0.1:7000")
    host.spawn(Note())

    with pytest.raises(KeyError) as failed:
        la.dispatch(host.spawn(Asker()), Asker.ask, NOTE, "fail", 2).get(LIMIT)

    assert not hasattr(failed.value, "__notes__")


def test_a_result_that_cannot_cross_is_refused_without_a_place_that_raised(rt, asker):
    rt.host("10.0.0.1:7000").spawn(Note())

    with pytest.raises(NotPassable, match=r"result of note\.leak: a Mutex") as failed:
        la.dispatch(asker, Asker.ask, NOTE, "leak", 2).get(LIMIT)

    assert not hasattr(failed.value, "__notes__")


def test_a_tell_of_an_unmarked_method_of_another_host_is_a_dead_letter_there(rt, asker):
    host = rt.host("10.0.0.1:7000")
    note = host.spawn(Note())

    la.dispatch(asker, Asker.tell, NOTE, "hidden", 1).get(LIMIT)
    rt.run_for(1)

    assert host.dead_letters == 1
    assert la.dispatch(note, Note.all).get(LIMIT) == ()


def test_the_own_host_may_call_any_method(rt):
    host = rt.host("10.0.0.1:7000")
    note, asker = host.spawn(Note()), host.spawn(Asker())

    la.dispatch(asker, Asker.ask, NOTE, "hidden", 1).get(LIMIT)

    assert la.dispatch(note, Note.all).get(LIMIT) == (1,)


@pytest.mark.parametrize("first", ["parsed first", "spawned first"])
def test_a_pid_that_was_read_from_text_leads_to_who_has_the_id_by_then(rt, asker, first):
    with rt.host("10.0.0.2:7000"):
        pid = la.parse_pid(NOTE, Note) if first == "parsed first" else None

    note = rt.host("10.0.0.1:7000").spawn(Note())

    assert pid is None or pid == note
    assert la.dispatch(asker, Asker.ask, NOTE, "put", 1).get(LIMIT) == 1
    assert pid is None or la.dispatch(pid, Note.put, 2).get(LIMIT) == 2


def test_a_call_of_nobody_on_another_host_is_abandoned(rt, asker):
    with pytest.raises(la.Abandoned):
        la.dispatch(asker, Asker.ask, NOTE, "put", 1).get(LIMIT)

    assert rt.host("10.0.0.1:7000").dead_letters == 0


def test_a_tell_to_nobody_on_another_host_is_a_dead_letter_there(rt, asker):
    la.dispatch(asker, Asker.tell, NOTE, "put", 1).get(LIMIT)
    rt.run_for(1)

    assert rt.host("10.0.0.1:7000").dead_letters == 1


def test_a_link_to_nobody_on_another_host_is_told_at_once(rt, asker):
    la.dispatch(asker, Asker.stop, NOTE).get(LIMIT)
    la.dispatch(asker, Asker.link, NOTE).get(LIMIT)
    rt.run_for(1)

    assert la.dispatch(asker, Asker.ended).get(LIMIT) == ((NOTE, None),)


def test_an_address_that_no_host_has_is_refused(rt):
    with rt.host("10.0.0.2:7000"), pytest.raises(ValueError, match="no host of this simulation has the address"):
        la.parse_pid("note@10.0.0.3:7000")


def test_the_runtime_itself_reads_pids_of_its_own_and_of_its_hosts(rt):
    note = rt.spawn(Note())

    assert rt.parse_pid(str(note)) is note
    assert rt.parse_pid(NOTE).address == "10.0.0.1:7000"
