"""Absent calls: those of the agent's v1 API about what agents here have none of: resource providers, pulled images."""

# Who calls: agent.py puts them into the table of operator_calls.py.
# Images are directories that somebody else has made, so there is never one to prune.
# Source: Mesos src/slave/http.cpp (getResourceProviders, markResourceProviderGone, pruneImages and their like).

from __future__ import annotations

from typing import TYPE_CHECKING

from .common_calls import nothing
from .exchange import Refusal
from .operator_calls import OperatorCall, OperatorCalls

if TYPE_CHECKING:
    from mesoslite.model.fields import Fields

    from .documents import Document
    from .exchange import Exchange


def absent_calls() -> OperatorCalls:
    """All of them, but for what would make a resource provider."""
    return {
        "GET_RESOURCE_PROVIDERS": OperatorCall(nothing, _no_providers),
        "MARK_RESOURCE_PROVIDER_GONE": OperatorCall(_identified, _refuse),
        "UPDATE_RESOURCE_PROVIDER_CONFIG": OperatorCall(_described, _refuse),
        "REMOVE_RESOURCE_PROVIDER_CONFIG": OperatorCall(_named, _do_nothing),
        "PRUNE_IMAGES": OperatorCall(_excluded, _do_nothing),
    }


async def _no_providers(exchange: Exchange, asked: None) -> Document:
    return {}


async def _refuse(exchange: Exchange, asked: None) -> Document | None:
    raise Refusal(404, "Resource provider cannot be found: agents have none")


async def _do_nothing(exchange: Exchange, asked: None) -> None:
    return None


def _identified(fields: Fields) -> None:
    fields.message("mark_resource_provider_gone").identifier("resource_provider_id")


def _described(fields: Fields) -> None:
    _check_name(fields.message("update_resource_provider_config").message("info"))


def _named(fields: Fields) -> None:
    _check_name(fields.message("remove_resource_provider_config"))


def _check_name(body: Fields) -> None:
    body.text("type")
    body.text("name")


def _excluded(fields: Fields) -> None:
    for image in fields.message_or_empty("prune_images").messages("excluded_images"):
        image.text("type")
