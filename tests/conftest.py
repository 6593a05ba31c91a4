"""What holds for every test: which core runs, and property tests whose outcome does not depend on the machine."""

# Hypothesis: no deadline, because a slow machine is no fault of the code. In CI the examples are the same each time,
#   so that a change is judged by itself; elsewhere they differ from run to run, which is how new faults are found.

import os

import hypothesis

import libactor

hypothesis.settings.register_profile("laptop", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "laptop")


def pytest_report_header() -> str:
    """Name the core under test. (Where the C core is missing, libactor's warning is an error by then: setup.cfg.)"""
    return f"libactor core: {libactor.CORE}"
