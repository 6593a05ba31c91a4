"""AgentInfo as a v1 JSON document, written and read."""

# Who calls: executors.py of this package; api/ shows what an agent says of itself.
# Source: Mesos include/mesos/v1/mesos.proto (AgentInfo).

from ..agents import AgentInfo
from ..domains import decode_domain, encode_domain
from ..fields import Fields
from ..ids import AgentID
from ..resources import Resources
from .attributes import decode_attributes, encode_attributes
from .parts import Document, encode_resources, wrap_id

DEFAULT_PORT = 5051


def encode_agent(info: AgentInfo) -> Document:
    """Return an AgentInfo."""
    document: Document = {"hostname": info.hostname, "port": info.port}
    if info.resources:
        document["resources"] = encode_resources(info.resources, form="both")
    if info.attributes:
        document["attributes"] = encode_attributes(info.attributes)
    if info.domain is not None:
        document["domain"] = encode_domain(info.domain)
    if info.id is not None:
        document["id"] = wrap_id(info.id)
    return document


def decode_agent(fields: Fields) -> AgentInfo:
    """Return an AgentInfo without resources of unknown sorts. Raises: InvalidRequest."""
    agent_id = fields.identifier_or_none("id")
    return AgentInfo(
        hostname=fields.text("hostname"),
        port=fields.whole("port", DEFAULT_PORT),
        resources=Resources.decode(fields.messages("resources"), lenient=True),
        attributes=decode_attributes(fields, "attributes"),
        id=AgentID(agent_id) if agent_id is not None else None,
        domain=decode_domain(fields.message_or_empty("domain")),
    )
