"""File judges: who may read which of the files of a master or an agent: its log, and sandboxes by user."""

# Who calls: file_pages.py, once for each request; what is returned is called in a thread, by sandboxes.py.
# A sandbox is of the user of the executor's command, else of its framework; of one that the agent knows no more, and of
#   standalone containers, nobody knows whose it is.
# Rejected: to judge a path. It leads elsewhere by a link, or by dots, so the judge is told where what is open lies.
# Source: Mesos src/slave/slave.cpp (authorizeSandboxAccess), src/slave/slave.cpp and src/master/master.cpp
#   (authorizeLogAccess).

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import libactor as la
from mesoslite.model import ALL_ALLOWED, AgentPort

from .agent_executors import executor_user, shown_executors

if TYPE_CHECKING:
    from mesoslite.model import AgentSnapshot

    from .exchange import Exchange

LOGS = ("/master/log", "/slave/log")

# Called with the ids of the framework and the executor whose sandbox it is, None of others. Raises: Refusal.
Judge: TypeAlias = Callable[[str | None, str | None], None]


def allow(framework_id: str | None, executor_id: str | None) -> None:
    """Judge of who may read all."""


class FileJudges:
    """Those of a master (None), or of the agent at that address."""

    def __init__(self, agent: la.PID[AgentPort] | None) -> None:
        self._agent = agent

    async def judge(self, exchange: Exchange, path: str) -> Judge:
        """What judges who asks for ``path``. Raises: Refusal with status 403, if nothing there may be read."""
        exchange.refuse_executors()
        if exchange.acls is ALL_ALLOWED:
            return allow
        if path in LOGS:
            exchange.demand([("access_mesos_logs", None)])
            return allow
        rights = exchange.acls.rights("access_sandboxes", exchange.principal)
        if rights.is_all:
            return allow
        if self._agent is None or not (rights.named or rights.others):
            exchange.demand([("access_sandboxes", None)])
            return allow
        users = _users(await la.dispatch(self._agent, AgentPort.state))

        def judge(framework_id: str | None, executor_id: str | None) -> None:
            whose = users.get((framework_id, executor_id), {None})
            exchange.demand([("access_sandboxes", user) for user in sorted(whose, key=str)])

        return judge


def _users(snapshot: AgentSnapshot) -> dict[tuple[str | None, str | None], set[str | None]]:
    """By framework and executor the users of its runs."""
    users: dict[tuple[str | None, str | None], set[str | None]] = {}
    for framework in (*snapshot.frameworks, *snapshot.completed_frameworks):
        for one in shown_executors(framework):
            user = executor_user(one.info, framework.info.user)
            users.setdefault((framework.info.id, one.info.executor_id), set()).add(user)
    return users
