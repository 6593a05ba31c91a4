"""What a container with a root of its own has of this machine's files, it cannot change."""

import pytest

from .contained import make_root
from .machine import needs_root

pytestmark = [pytest.mark.real, needs_root]

FILES = "/etc/hosts /proc/sys/kernel/core_pattern /proc/sys/kernel/panic"
CHANGES = f"""
for file in {FILES}; do if (: >> $file) 2> /dev/null; then echo opened $file; fi; done
chmod 666 /dev/null 2> /dev/null && echo changed /dev/null
echo something > /dev/null && cat /dev/null && echo written
"""


@pytest.mark.parametrize("isolation", ["filesystem/linux", "filesystem/linux,namespaces/pid"])
def test_root_without_rights_changes_nothing_of_the_machine(contain, tmp_path, isolation: str):
    """Its user is root's all the same: what is said in core_pattern, the kernel runs as root of the machine."""
    make_root(tmp_path / "images/small", "sh", "cat", "chmod")
    bench = contain(f"{isolation},linux/capabilities", images=tmp_path / "images")
    none = {"capabilities": ["NET_RAW"]}
    container = {
        "mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}},
        "linux_info": {"bounding_capabilities": none, "effective_capabilities": none},
    }

    assert bench.run(CHANGES, container=container) == "written\n"
