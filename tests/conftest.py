"""What holds for every test: which core runs, and property tests whose outcome does not depend on the machine."""

# Hypothesis: no deadline, and no word on how long examples take to make, because a slow machine is no fault of the
#   code. In CI the examples are the same each time, so that a change is judged by itself; elsewhere they differ from
#   run to run, which is how new faults are found.
#   THOROUGH=1, which make check-all sets, tries more of them.
# Several processes: each has to collect all tests in the same order. In a fresh checkout that takes 9 s, half of it for
#   code that pytest compiles and keeps for the others, who would all compile the same file at the same time. So each
#   begins elsewhere, and the order is made good afterwards.
# Ctrl-C: a shell starts what runs in the background with SIGINT ignored, and Python then leaves it so. Tests send it to
#   themselves and to programs they start, so it is given its usual meaning back, before libactor looks at it.

import gc
import os
import signal
from collections.abc import Generator

import hypothesis
import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import libactor

IS_ONE_OF_MANY = "PYTEST_XDIST_WORKER" in os.environ

any_machine = hypothesis.settings(
    max_examples=60, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.register_profile("laptop", any_machine)
hypothesis.settings.register_profile("ci", any_machine, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("thorough", any_machine, max_examples=500, print_blob=True)
hypothesis.settings.load_profile(
    "thorough" if os.environ.get("THOROUGH") else "ci" if os.environ.get("CI") else "laptop"
)


def pytest_report_header() -> str:
    """Name the core under test. (Where the C core is missing, libactor's warning is an error by then: setup.cfg.)"""
    return f"libactor core: {libactor.CORE}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Say how many processes run tests if nobody does: two more than CPUs, since many tests wait."""
    return len(os.sched_getaffinity(0)) + 2


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have each of several processes begin with another file of a folder."""
    report = yield
    if IS_ONE_OF_MANY and isinstance(collector, pytest.Directory):
        number, count = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        first = len(report.result) * number // count
        report.result = report.result[first:] + report.result[:first]
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into the same order in each process."""
    if IS_ONE_OF_MANY:
        items.sort(key=lambda item: item.path.parts)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Have the collector, which many tests call, go through what a test has made, and not through all of pytest's."""
    gc.collect()
    gc.freeze()
