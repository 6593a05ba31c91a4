"""What holds for every test: which core runs, and property tests whose outcome does not depend on the machine."""

# Hypothesis: no deadline, because a slow machine is no fault of the code. In CI the examples are the same each time,
#   so that a change is judged by itself; elsewhere they differ from run to run, which is how new faults are found.
#   THOROUGH=1, which make check-all sets, tries more of them.
# Ctrl-C: a shell starts what runs in the background with SIGINT ignored, and Python then leaves it so. Tests send it to
#   themselves and to programs they start, so it is given its usual meaning back, before libactor looks at it.

import gc
import os
import signal

import hypothesis
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import libactor

hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=500, print_blob=True)
hypothesis.settings.load_profile(
    "thorough" if os.environ.get("THOROUGH") else "ci" if os.environ.get("CI") else "laptop"
)


def pytest_report_header() -> str:
    """Name the core under test. (Where the C core is missing, libactor's warning is an error by then: setup.cfg.)"""
    return f"libactor core: {libactor.CORE}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes run tests if nobody does: one more than CPUs, since some tests wait."""
    return len(os.sched_getaffinity(0)) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have the collector, which many tests call, go through what a test has made, and not through all of pytest's."""
    gc.collect()
    gc.freeze()
