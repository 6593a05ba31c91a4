"""Links between hosts, made once and made anew: what libprocess's own tests of remote links assert."""

# In libprocess a program of its own, test-linkee, is the other end; here it is another process as well. To link anew
#   (reconnect=True) is to make a new connection in the place of the one that is there.

import pytest

from .peer import LIMIT

pytestmark = pytest.mark.real

PATIENT_S = 600.0  # silence that no test lives to notice


@pytest.fixture
def options(secret):
    return {"secret": secret, "silence_s": PATIENT_S}


@pytest.fixture
def pair(lab, options):
    near, far = lab.start(2, **options)
    for watcher in ("watcher", "other"):
        near.call("spawn", "Watcher", watcher)
    return near, far


@pytest.fixture
def counter(pair):
    return pair[1].call("spawn", "Counter", "counter")


def served(near, counter):
    """What was sent before, such as a link, has been served."""
    return near.call("ask", counter, "Counter.add", 0) == 0


# LP ProcessRemoteLinkTest.RemoteLink
def test_a_link_hears_of_a_process_that_ends(pair, counter):
    near, far = pair
    near.call("watch", "watcher", counter)
    assert served(near, counter)

    far.kill()

    assert near.call("heard", "watcher") == (counter, "Disconnected")


# LP ProcessRemoteLinkTest.RemoteRelink
def test_to_link_anew_without_a_link_is_to_link(pair, counter):
    near, far = pair
    near.call("watch", "watcher", counter, True)
    assert served(near, counter)

    far.kill()

    assert near.call("heard", "watcher") == (counter, "Disconnected")


# LP ProcessRemoteLinkTest.RemoteLinkRelink
def test_who_links_anew_goes_on_watching_and_hears_once(pair, counter):
    near, far = pair
    near.call("watch", "watcher", counter)
    assert served(near, counter)

    near.call("watch", "watcher", counter, True)

    assert served(near, counter)
    assert not near.call("has_heard", "watcher")
    far.kill()
    assert near.call("heard", "watcher") == (counter, "Disconnected")
    assert not near.call("has_heard", "watcher")


# LP ProcessRemoteLinkTest.RemoteDoubleLinkRelink
def test_other_links_stay_when_one_links_anew(pair, counter):
    near, far = pair
    near.call("watch", "watcher", counter)
    near.call("watch", "other", counter)
    assert served(near, counter)

    near.call("watch", "watcher", counter, True)

    assert served(near, counter)
    assert not near.call("has_heard", "other")
    far.kill()
    for watcher in ("watcher", "other"):
        assert near.call("heard", watcher) == (counter, "Disconnected")
        assert not near.call("has_heard", watcher)


@pytest.mark.parametrize("times", [1, 30])
def test_a_link_made_anew_hears_of_the_actor_s_own_end(pair, counter, times):
    near, _ = pair
    near.call("watch", "other", counter)
    for _ in range(times):
        near.call("watch", "watcher", counter, True)
    assert served(near, counter)

    near.call("terminate", counter)

    for watcher in ("watcher", "other"):
        assert near.call("heard", watcher) == (counter, None)
        assert not near.call("has_heard", watcher)


def test_calls_under_way_are_answered_when_somebody_links_anew(pair, counter):
    near, _ = pair
    near.call("begin", "hanging", counter, "Counter.hang")
    assert served(near, counter)

    near.call("watch", "watcher", counter, True)

    assert served(near, counter)
    near.call("tell", counter, "Counter.let_go", 7)
    assert near.call("finish", "hanging") == 7


# LP ProcessRemoteLinkTest.RemoteLinkLeak
@pytest.mark.parametrize("reconnect", [False, True])
def test_a_link_to_where_nobody_listens_hears_at_once_and_leaves_nothing(pair, counter, reconnect):
    near, far = pair
    nobody = f"counter@{far.ip}:{far.port - 1 or 2}"
    assert served(near, counter)
    before = near.call("descriptors")

    for _ in range(50):
        near.call("watch", "watcher", nobody, reconnect)
        assert near.call("heard", "watcher") == (nobody, "Disconnected")

    assert near.call("descriptors") == before
    assert served(near, counter)


def stale(lab, near, far, options):
    """Let ``far`` die without a word, and come back at the same address; what ``near`` acknowledges late is lost."""
    lab.cut(near, far)
    lab.reset(far.host)
    far = far.host.start(far.port, **options).wait_ready()
    far.call("spawn", "Counter", "counter")
    lab.heal()
    return far


# LP ProcessRemoteLinkTest.RemoteUseStaleLink
def test_sending_on_a_stale_connection_tells_its_links(lab, pair, counter, options):
    near, far = pair
    near.call("watch", "watcher", counter)
    assert served(near, counter)
    stale(lab, near, far, options)

    near.call("post", counter, "Add", 1)

    assert near.call("heard", "watcher") == (counter, "Disconnected")
    assert served(near, counter)


# LP ProcessRemoteLinkTest.RemoteStaleLinkRelink
def test_linking_anew_before_sending_repairs_a_stale_connection(lab, pair, counter, options):
    near, far = pair
    near.call("watch", "watcher", counter)
    assert served(near, counter)
    far = stale(lab, near, far, options)

    near.call("watch", "watcher", counter, True)
    near.call("post", counter, "Add", 1)

    assert near.call("ask", counter, "Counter.add", 0) == 1
    near.start("terminate", counter).result(LIMIT)
    heard = near.call("heard", "watcher")
    if heard == (counter, "Disconnected"):  # of the last life, which the new connection has told of
        heard = near.call("heard", "watcher")
    assert heard == (counter, None)
