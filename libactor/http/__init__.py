"""HTTP: routes of actors as an ASGI application, and a server for applications in a thread of its own."""

# Who calls: users; mesoslite, which serves applications of its own. Importing this takes no server library: the first
#   listen() does (server.py). `import libactor` does not even import this.
# The way of a request: server.py and connection.py (the socket) -> application.py (which actor, which route, may they)
#   -> calling.py (the actor and back) -> response.py, pipe.py (what goes out).

from libactor.http.application import Site, application
from libactor.http.authorization import ByEndpoint
from libactor.http.basic import Basic
from libactor.http.compression import compress
from libactor.http.durations import parse_duration
from libactor.http.files import Files, provide
from libactor.http.firewall import DisabledPaths
from libactor.http.json_web_token import JWT
from libactor.http.jsonp import jsonp
from libactor.http.large_json import json_parts
from libactor.http.own import own_routes
from libactor.http.pipe import Pipe, Reader, Writer
from libactor.http.realms import forbidden, unauthorized
from libactor.http.request import Headers, Request
from libactor.http.response import Response
from libactor.http.server import (
    Application,
    HttpServer,
    Listener,
    Message,
    Receive,
    Scope,
    Send,
    host_and_port,
)
from libactor.http.serving import Server, serve
from libactor.http.site import Authenticator, Authorize, Finish, Principal, Rule, SystemRoute
from libactor.routes import Route, route

__all__ = [
    "Application",
    "Authenticator",
    "Authorize",
    "Basic",
    "ByEndpoint",
    "DisabledPaths",
    "Files",
    "Finish",
    "Headers",
    "HttpServer",
    "JWT",
    "Listener",
    "Message",
    "Pipe",
    "Principal",
    "Reader",
    "Receive",
    "Request",
    "Response",
    "Route",
    "Rule",
    "Scope",
    "Send",
    "Server",
    "Site",
    "SystemRoute",
    "Writer",
    "compress",
    "forbidden",
    "application",
    "host_and_port",
    "json_parts",
    "jsonp",
    "own_routes",
    "parse_duration",
    "provide",
    "route",
    "unauthorized",
    "serve",
]
