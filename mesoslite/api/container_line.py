"""ContainerLine: what requests ask of an agent about containers, who may, and what its refusals are.

An executor that has proved who it is may ask about those in its own container, whatever ACLs say of others.
"""

# Who calls: nested_calls.py, container_streams.py and container_input.py.
# Source: Mesos src/slave/http.cpp, src/authorizer/local/authorizer.cpp (LocalImplicitExecutorObjectApprover).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import ALL_ALLOWED, AgentPort, Conflict, InvalidRequest, NotFound
from mesoslite.model.container_calls import AttachContainer, FindContainer

from .exchange import Exchange, Refusal
from .permissions import EXECUTORS_CALLS, container_demands

if TYPE_CHECKING:
    from mesoslite.model import Attachment, ContainerID
    from mesoslite.model.container_calls import ContainerCall

NO_STREAMS = "I/O switchboard server was disabled for this container"  # which Mesos's command line compares


class ContainerLine:
    """The containers of the agent at that address."""

    def __init__(self, agent: la.PID[AgentPort]) -> None:
        self.agent = agent

    async def permit(self, exchange: Exchange, kind: str, container_id: ContainerID, user: str = "") -> None:
        """Go on if who sends a call of that ``kind`` may; ``user`` is whom a command names that is to be launched.

        Raises: Refusal with status 403.
        """
        if exchange.claims is not None:
            is_own = container_id.partition(".")[0] == exchange.claims.container_id
            if kind not in EXECUTORS_CALLS or not is_own:
                raise Refusal(
                    403, f"The token is that of an executor, which may not {kind} for container {container_id}"
                )
        elif exchange.acls is not ALL_ALLOWED:
            owner = await self.ask(FindContainer(container_id))
            whose = owner.user or None if owner is not None else None
            is_standalone = "." not in container_id and (owner is None or owner.executor_id is None)
            exchange.demand(container_demands(kind, whose, user or None, is_standalone=is_standalone))

    async def attach(self, container_id: ContainerID) -> Attachment:
        """The streams of a container that runs.

        Raises: Refusal: 404 if nobody lives in the outermost around it; else 500, as by Mesos, of what has ended or has
        no streams: Mesos's command line goes on then, for what it writes to may have ended before.
        """
        try:
            attachment: Attachment = (await self.ask(AttachContainer(container_id))).value
        except Refusal as refusal:
            if refusal.status == 409:
                raise Refusal(500, NO_STREAMS) from refusal
            if refusal.status == 404 and await self.ask(FindContainer(container_id)) is not None:
                raise Refusal(500, refusal.text) from refusal
            raise
        return attachment

    async def ask(self, call: ContainerCall) -> Any:
        """What the agent answers. Raises: Refusal: 400 for what cannot be, 404 for who is not there, 409 for when."""
        asked: la.Future[Any] = la.dispatch(self.agent, AgentPort.container_call, call)
        try:
            return await asked
        except InvalidRequest as error:
            raise Refusal(400, str(error)) from error
        except NotFound as error:
            raise Refusal(404, str(error)) from error
        except Conflict as error:
            raise Refusal(409, str(error)) from error
