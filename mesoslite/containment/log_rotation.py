"""Log rotation: how large the output of a container may get, and how much of the older stays, as its command says."""

# Who calls: supervised.py, for each container, if its agent rotates; a composition root makes the defaults.
# The names and forms are those of Mesos's LogrotateContainerLogger, which has logrotate do it; here the supervisor does
#   it, and of the options of logrotate there is `rotate`.
# The supervisor is outside of the bounds of its task. To put a file aside, all older ones are renamed: in files of a
#   page that costs a hundred times what the writing does, so there is a least size for each that stays.
# Source: Mesos src/slave/container_loggers/lib_logrotate.hpp, docs/logging.md, stout/bytes.hpp.

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mesoslite.model import InvalidRequest

PREFIX = "CONTAINER_LOGGER_"
BYTES_MAX = 10 << 20
BYTES_EACH = 16 << 10  # at least, for each file that there is: then putting aside costs less than writing
FILES, FILES_MAX = 9, 1_000
_UNITS = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = re.compile(rf"(\d{{1,15}})({'|'.join(_UNITS)})", re.ASCII)
_OPTION = re.compile(r"rotate\s+(\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rotation:
    """One output: a file of at most ``bytes_max``, and of those that were full the newest ``files``."""

    bytes_max: int = BYTES_MAX
    files: int = FILES


@dataclass(frozen=True, slots=True)
class LogRotation:
    """Both outputs of a container."""

    stdout: Rotation = field(default_factory=Rotation)
    stderr: Rotation = field(default_factory=Rotation)

    def of(self, environment: Iterable[tuple[str, str]]) -> "LogRotation":
        """This, with what the variables of a command say of its own output. Raises: InvalidRequest."""
        given = {name: text for name, text in environment if name.startswith(PREFIX)}
        if not given:
            return self
        return LogRotation(_changed("STDOUT", self.stdout, given), _changed("STDERR", self.stderr, given))


def _changed(name: str, rotation: Rotation, given: dict[str, str]) -> Rotation:
    size, options = f"{PREFIX}MAX_{name}_SIZE", f"{PREFIX}LOGROTATE_{name}_OPTIONS"
    if size not in given and options not in given:
        return rotation
    changed = Rotation(
        parse_size(size, given[size]) if size in given else rotation.bytes_max,
        parse_options(options, given[options]) if options in given else rotation.files,
    )
    return checked_rotation((size, options), changed)


def checked_rotation(names: tuple[str, str], rotation: Rotation) -> Rotation:
    """Return what the two of ``names``, of size and options, say together. Raises: InvalidRequest for small files."""
    least = BYTES_EACH * (rotation.files + 1)
    if rotation.bytes_max < least:
        raise InvalidRequest(
            f"{names[0]}: got {rotation.bytes_max}B, expected at least {least >> 10}KB, as {rotation.files} older "
            f"files stay, which are all renamed whenever one is full; have fewer stay by {names[1]}, or larger ones"
        )
    return rotation


def parse_size(name: str, text: str) -> int:
    """The bytes of a size such as 10MB; ``name`` is whose it is. Raises: InvalidRequest."""
    match = _SIZE.fullmatch(text.strip())
    size = int(match[1]) * _UNITS[match[2]] if match is not None else 0
    if not 0 < size < 1 << 63:
        raise InvalidRequest(f"{name}: got {text[:80]!r}, expected a size such as 10MB; units are {', '.join(_UNITS)}")
    return size


def parse_options(name: str, text: str) -> int:
    """How many older files stay by options of logrotate, of which there is one. Raises: InvalidRequest."""
    match = _OPTION.fullmatch(text.strip())
    if match is None or int(match[1]) > FILES_MAX:
        raise InvalidRequest(
            f"{name}: got {text[:80]!r}, expected how many older files stay, such as 'rotate 9', at most {FILES_MAX}; "
            "there are no other options of logrotate here"
        )
    return int(match[1])
