"""A script says everything, in an order of its own, and nothing twice."""

import pytest

from mesoslite.containment.script import MountFlag, Namespace, Script


def texts(script: Script) -> list[bytes]:
    rendered = script.render()
    assert rendered.endswith(b"\0")
    return rendered.split(b"\0")[:-1]


def test_instructions_come_in_the_order_of_their_phases_and_then_as_they_were_stated():
    script = Script()
    script.command("sh", ["sh", "-c", "true"])
    script.environment({"A": "1"})
    script.mount("tmpfs", "/b", "tmpfs", MountFlag.NO_SUID | MountFlag.NO_DEVICES, "size=1")
    script.join("/cgroup/cgroup.procs")
    script.make_directory("/b/c", 0o700)

    assert texts(script) == [
        b"mesoslite supervisor 1",
        *(b"write", b"2", b"/cgroup/cgroup.procs", b"0"),
        *(b"mount", b"5", b"tmpfs", b"/b", b"tmpfs", b"6", b"size=1"),
        *(b"directory", b"2", b"/b/c", b"700"),
        *(b"environment", b"1", b"A=1"),
        *(b"run", b"4", b"sh", b"sh", b"-c", b"true"),
        *(b"end", b"0"),
    ]


def test_numbers_are_written_as_the_supervisor_reads_them():
    script = Script()
    script.namespaces(Namespace.MOUNT | Namespace.UTS)
    script.limit(7, 100, None)
    script.umask(0o027)
    script.bound_capabilities({0, 5, 40})
    script.user(65534, 65533, (1, 2))

    assert texts(script)[1:-2] == [
        *(b"unshare", b"1", b"67239936"),
        *(b"limit", b"3", b"7", b"100", b"unlimited"),
        *(b"umask", b"1", b"27"),
        *(b"bound", b"1", b"10000000021"),
        *(b"user", b"4", b"65534", b"65533", b"1", b"2"),
    ]


def test_any_text_but_a_zero_byte_can_be_told():
    script = Script()
    script.environment({"A": "two\nlines", "B": "ä\udcff"})

    assert texts(script)[3:5] == [b"A=two\nlines", b"B=\xc3\xa4\xff"]
    with pytest.raises(ValueError, match="null byte"):
        script.enter("/a\0b")
