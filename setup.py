"""Declare what setup.cfg cannot: the packages, with the examples among them, and how what is in C is built."""

# Who calls: pip, build and `make` (build_ext --inplace). Everything else about the project is in setup.cfg.
# Packages: found, so that a new folder needs no entry; `examples/` is installed as `mesoslite.examples`, a mapping
#   which setup.cfg can state only beside a list of packages written out by hand.
# Environment: LIBACTOR_REQUIRE_NATIVE=1  a C part that does not compile is an error (make and CI say so)
#              LIBACTOR_SANITIZE=1        address and undefined-behaviour sanitizers
#              LIBACTOR_DEBUG=1           no optimisation, C assertions on
# Without a compiler the Python twin of the C core serves, which the import says once; containers have no supervisor.
# The supervisor of containers is a program, linked statically: thousands of it run, and share nearly all they need.
#   Where the C library has no static form, or with sanitizers, it is linked as usual.

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from glob import glob

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

EXAMPLES = "mesoslite.examples"
WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    "-Werror=implicit-function-declaration",
]
SUPERVISOR = "mesoslite/containment/mesoslite-supervisor"


def is_switched_on(name: str) -> bool:
    """Say whether the environment switch ``name`` is 1; refuse what is neither 0, 1 nor empty."""
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        raise SystemExit(f"setup.py: {name} is {value!r}, expected 0 or 1; set it to 1 or unset it")
    return value == "1"


def compiler_flags() -> tuple[list[str], list[str]]:
    """Return the flags for the compiler and for the linker that the environment asks for."""
    if is_switched_on("LIBACTOR_SANITIZE"):
        sanitizers = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
        return ["-O1", "-g", "-UNDEBUG", *sanitizers, *WARNINGS], sanitizers
    if is_switched_on("LIBACTOR_DEBUG"):
        return ["-O0", "-g", "-UNDEBUG", *WARNINGS], []
    local = ["-fvisibility=hidden", "-ftls-model=initial-exec"]  # what a thread runs is asked twice a message
    return ["-O3", "-g", *local, *WARNINGS], []


def extensions() -> list[Extension]:
    """Return the one extension module, built from every file in csrc/, or nothing if there is none."""
    sources = sorted(glob("csrc/*.c"))
    if not sources:
        return []
    compile_args, link_args = compiler_flags()
    return [
        Extension(
            "libactor._core._native",
            sources=sources,
            depends=sorted(glob("csrc/*.h")),
            include_dirs=["csrc"],
            extra_compile_args=compile_args,
            extra_link_args=link_args,
            optional=not is_switched_on("LIBACTOR_REQUIRE_NATIVE"),
        )
    ]


class BuildSpread(build_ext):
    """Compiles as many files of an extension at once as there are CPUs; setuptools does one after the other.

    Then it builds the supervisor, into the same tree.
    """

    def run(self) -> None:
        """Build all that is in C."""
        super().run()
        is_inplace = self.inplace or getattr(self, "editable_mode", False)
        target = SUPERVISOR if is_inplace else os.path.join(self.build_lib, SUPERVISOR)
        try:
            self.build_supervisor(target)
        except (CompileError, LinkError) as error:
            if is_switched_on("LIBACTOR_REQUIRE_NATIVE"):
                raise
            print(f"setup.py: the supervisor of containers was not built: {error}", file=sys.stderr)

    def build_supervisor(self, target: str) -> None:
        """Compile and link it, statically if that is possible."""
        compile_args, link_args = compiler_flags()
        objects = self.compiler.compile(
            sorted(glob("csrc/supervisor/*.c")),
            output_dir=self.build_temp,
            depends=glob("csrc/supervisor/*.h"),
            # nobody reads what it might say of an error: it has to end of it
            extra_preargs=[
                *compile_args,
                "-std=gnu11",
                "-fno-pie",
                *(["-fno-sanitize-recover=all"] if link_args else []),
            ],
        )
        self.mkpath(os.path.dirname(target))
        for static in [[]] if link_args else [["-static", "-s"], []]:
            try:
                self.compiler.link_executable(objects, target, extra_postargs=[*link_args, "-no-pie", *static])
                return
            except LinkError:
                if not static:
                    raise

    def build_extension(self, ext: Extension) -> None:
        """Build ``ext``, its files spread."""
        compile_files = self.compiler.compile

        def compile_spread(sources: list[str], **options: object) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                made = pool.map(partial(compile_files, **options), [[source] for source in sources])
                return [path for paths in made for path in paths]

        self.compiler.compile = compile_spread
        super().build_extension(ext)


setup(
    cmdclass={"build_ext": BuildSpread},
    packages=[*find_packages(include=["libactor", "libactor.*", "mesoslite", "mesoslite.*"]), EXAMPLES],
    package_dir={EXAMPLES: "examples"},
    ext_modules=extensions(),
)
