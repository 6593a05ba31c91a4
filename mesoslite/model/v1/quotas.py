"""Quotas and weights as v1 JSON documents: what roles are entitled to."""

# Who calls: api/, for the operator calls and for the endpoints /quota and /weights, whose JSON is the same.
# A quota is said in two ways: as guarantees and limits (QuotaConfig), and, as it was once, as resources that are both
#   (QuotaRequest). What no quota and no weight can be is for the master to say.
# Source: Mesos include/mesos/v1/quota/quota.proto, src/master/quota.cpp (validation::quotaInfo), quota_handler.cpp;
#   include/mesos/v1/mesos.proto (WeightInfo).

from collections.abc import Iterable

from ..deltas import Quantities
from ..errors import InvalidResources
from ..fields import Fields
from ..registry import QuotaConfig, Weight
from ..resource_text import MILLI, to_milli
from ..resources import Resources
from .parts import Document


def decode_quota_configs(fields: Fields, name: str) -> tuple[QuotaConfig, ...]:
    """Return a list of QuotaConfigs. Raises: InvalidRequest."""
    return tuple(
        [
            QuotaConfig(each.text("role"), _decode_quantities(each, "guarantees"), _decode_quantities(each, "limits"))
            for each in fields.messages(name)
        ]
    )


def decode_quota_request(fields: Fields) -> tuple[QuotaConfig, bool]:
    """Return what a QuotaRequest guarantees, which is its limit as well, and whether that is forced.

    Raises: InvalidRequest, also for anything else than plain scalars, each once.
    """
    portions = fields.messages("guarantee")
    names = [portion.text("name") for portion in portions]
    guarantee = Resources.decode(portions)
    if not names or len(set(names)) < len(names) or guarantee.others:
        raise fields.invalid("guarantee", "is none: name one resource or more, each once, unreserved scalars all")
    amounts = guarantee.quantities
    return QuotaConfig(fields.text("role"), amounts, amounts), fields.boolean("force", False)


def encode_quota_status(quotas: Iterable[QuotaConfig]) -> Document:
    """Return a QuotaStatus, of each role in both ways."""
    infos: list[Document] = []
    configs: list[Document] = []
    for quota in quotas:
        guarantee = [
            {"name": name, "type": "SCALAR", "scalar": {"value": milli / MILLI}} for name, milli in quota.guarantees
        ]
        infos.append({"role": quota.role, **({"guarantee": guarantee} if guarantee else {})})
        amounts = {"guarantees": _encode_quantities(quota.guarantees), "limits": _encode_quantities(quota.limits)}
        configs.append({"role": quota.role, **{name: value for name, value in amounts.items() if value}})
    return {"infos": infos, "configs": configs} if configs else {}


def decode_weights(fields: Fields, name: str) -> tuple[Weight, ...]:
    """Return a list of WeightInfos. Raises: InvalidRequest."""
    return tuple([Weight(each.text("role"), each.number("weight")) for each in fields.messages(name)])


def encode_weights(weights: Iterable[Weight]) -> list[Document]:
    """Return a list of WeightInfos."""
    return [{"role": weight.role, "weight": float(weight.weight)} for weight in weights]


def _decode_quantities(fields: Fields, name: str) -> Quantities:
    amounts = fields.message_or_empty(name)
    try:
        return tuple([(each, to_milli(each, amounts.message(each).number("value"))) for each in amounts.names()])
    except InvalidResources as error:
        raise fields.invalid(name, f"are no amounts: {error}") from error


def _encode_quantities(quantities: Quantities) -> Document:
    return {name: {"value": milli / MILLI} for name, milli in quantities}
