"""A container has a whole system as its root, as debootstrap makes it, and sees nothing of its machine.

In `make check-all` only: it takes half a minute, and a mirror of Debian.
"""

import shutil
import subprocess

import pytest

from tests.thoroughness import IS_THOROUGH

from .contained import ALONE, mounts
from .machine import needs_root

pytestmark = [
    pytest.mark.real,
    needs_root,
    pytest.mark.skipif(not IS_THOROUGH, reason="a whole system is looked at with THOROUGH=1 only"),
    pytest.mark.skipif(shutil.which("debootstrap") is None, reason="this machine has no debootstrap"),
]

BOUND_SECONDS = 200  # of debootstrap; without a mirror there is nothing to look at


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A directory with one image, `debian`."""
    place = tmp_path_factory.mktemp("images")
    command = ["timeout", f"{BOUND_SECONDS}", "debootstrap", "--variant=minbase", "stable", place / "debian"]
    with open(place / "log", "wb") as log:
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
    if made.returncode:
        pytest.skip(f"debootstrap has failed, or takes too long: {(place / 'log').read_text()[-300:]}")
    yield place
    shutil.rmtree(place)


def run(contain, images, script, **config):
    container = {"mesos": {"image": {"type": "DOCKER", "docker": {"name": "debian"}}}, "hostname": "inside"}
    return contain(ALONE, images=images).run(script, container=container, resources="cpus:1;mem:256;disk:100", **config)


def test_a_whole_system_is_the_root_of_a_container(contain, images, tmp_path):
    (tmp_path / "outside").touch()
    before = mounts()
    script = (
        f"hostname; test -e {tmp_path}/outside || echo alone; dpkg-query -W -f '${{Package}}\\n' base-files;"
        "perl -e 'print qq(perl\\n)'; echo word > /var/lib/new; cat /var/lib/new > made; ls -d /proc/[0-9]* | wc -l;"
        "[ $(ls /proc/1/root | wc -l) = $(ls / | wc -l) ] && echo same; apt-get --version | head -n 1 | cut -d ' ' -f 1"
    )

    told = run(contain, images, script).split()

    assert told[:5] == ["inside", "alone", "base-files", "perl", told[4]]
    assert int(told[4]) < 10
    assert told[5:] == ["same", "apt"]
    assert not (images / "debian/var/lib/new").exists()
    assert mounts() == before


def test_users_of_a_whole_system_are_kept_from_what_is_roots(contain, images):
    script = "id -u; cat /etc/shadow 2> /dev/null || echo closed; echo x > /tmp/file && cat /tmp/file"

    assert run(contain, images, script, user="nobody").split()[1:] == ["closed", "x"]
