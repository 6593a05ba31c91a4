"""Log files: where a program that was given --log-dir logs to, and under which path that is read."""

# Who calls: the command line opens the file; master.py and agent.py attach it.
# Mesos names its files after the host, the user and the time as well, and links to the newest; here one goes on.
# Source: Mesos src/logging/logging.cpp (getLogFile), src/master/main.cpp (the flag log_dir).

from __future__ import annotations

import os
from collections.abc import Mapping

PROGRAMS = {"master": "mesoslite-master.log", "slave": "mesoslite-agent.log"}  # by the process's name


def log_file(process: str, log_dir: str) -> str:
    """The absolute path of what a ``master`` or a ``slave`` logs to."""
    return os.path.abspath(os.path.join(log_dir, PROGRAMS[process]))


def log_files(process: str, flags: Mapping[str, str]) -> Mapping[str, str]:
    """What is attached to /master/log or /slave/log: the log of a program that was started with these ``flags``."""
    log_dir = flags.get("log_dir")
    return {f"/{process}/log": log_file(process, log_dir)} if log_dir else {}
