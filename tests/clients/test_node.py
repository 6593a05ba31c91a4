"""Node's mesos-framework: a framework written with it runs against a master of ours unchanged."""

# It takes each chunk of HTTP for one event, so it runs only where every event is a chunk of its own.
# Its executor runs nowhere, for it leaves out the `subscribe` of its SUBSCRIBE: 400 with Mesos as well.

import json
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .conftest import BOUND

pytestmark = pytest.mark.real

FRAMEWORK = Path(__file__).with_name("node_framework.js")
PACKAGE = "mesos-framework@0.5.3"
INSTALL_SECONDS = 100  # from a registry that is far away, the first time
OPTIONS = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline", "--fetch-retries=0")


@pytest.fixture
def package(pytestconfig, tmp_path):
    """Where the package is: installed once, and kept with what pytest keeps between its runs."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node, or no npm: apt-get install nodejs npm")
    kept = pytestconfig.cache.mkdir(PACKAGE.replace("@", "-")) / "made"
    if not kept.exists():
        made = kept.with_name(tmp_path.name)
        command = ["npm", "install", *OPTIONS, "--prefix", made, PACKAGE]
        try:
            subprocess.run(command, capture_output=True, timeout=INSTALL_SECONDS, check=True)
        except subprocess.SubprocessError as error:
            pytest.skip(f"npm does not get {PACKAGE}: {error}: {str(error.stderr)[-200:]}")
        made.replace(kept)
    return kept / "node_modules" / "mesos-framework"


class Node:
    """A framework of the package, in a process of its own that ends with the ``with``."""

    def __init__(self, package, tmp_path, url, *framework_id):
        address = urlsplit(url)
        command = ["node", "--no-deprecation", FRAMEWORK, package, address.hostname, str(address.port), *framework_id]
        (tmp_path / "logs").mkdir(exist_ok=True)  # where it writes, and does not look whether it is there
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.communicate()

    def says(self, *beginning):
        """What it says until a line that begins so, with that."""
        told = []
        for line in self.process.stdout:
            told.append(json.loads(line))
            if told[-1][: len(beginning)] == list(beginning):
                return told
        raise AssertionError(f"it has ended, and said {told}")


def test_a_task_is_run_subscribed_again_for_handed_on_reconciled_and_killed(package, tmp_path, site):
    with Node(package, tmp_path, site.standby()) as first:
        [[_, framework_id]] = first.says("subscribed")
        launched = first.says("both acknowledged")
        site.end_streams()
        ended = first.says("subscribed")
        again = first.says("TASK_RUNNING")
    with Node(package, tmp_path, site.url, framework_id) as second:
        handed_on = second.says("TASK_KILLED")
        assert second.process.wait(BOUND) == 0

    assert launched == [["TASK_STARTING", None], ["TASK_RUNNING", None], ["both acknowledged"]]
    assert ended == [["error", "Long-running connection was closed!"], ["subscribed", framework_id]]
    assert again == [["TASK_RUNNING", "REASON_RECONCILIATION"]]
    assert handed_on == [
        ["subscribed", framework_id],
        ["TASK_RUNNING", "REASON_RECONCILIATION"],
        ["TASK_KILLED", None],
    ]
    assert site.state().frameworks == ()
