"""What is no function, no future or no class is refused where it is given, by a text that says what was expected."""

import pytest

import libactor as la

METHODS = ("on_ready", "on_failed", "on_discarded", "on_any", "on_discard", "on_abandoned", "then", "repair", "recover")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("complete", [False, True])
def test_a_callback_that_is_no_function_is_refused_at_once(method, complete):
    promise = la.Promise()
    if complete:
        promise.set(1)

    with pytest.raises(TypeError, match=f"{method}: got None, expected a function"):
        getattr(promise.future, method)(None)


def test_a_member_that_is_no_future_is_refused_by_its_number():
    with pytest.raises(TypeError, match="select: got 3 as number 2 of the futures"):
        la.select([la.ready(1), 3])


@pytest.mark.parametrize(("steps", "name"), [((3, lambda _: la.Break(1)), "iterate"), ((lambda: 1, 4), "body")])
def test_a_step_of_a_loop_that_is_no_function_is_refused(steps, name):
    with pytest.raises(TypeError, match=f"loop: got . as {name}, expected a function"):
        la.loop(*steps)


def test_only_a_class_can_be_registered_as_immutable():
    with pytest.raises(TypeError, match="register_immutable: got 'x', expected a class"):
        la.register_immutable("x")
