"""The rules of the house, as tests: which room may look into which, and what none may do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import vcycle

ROOT = Path(vcycle.__file__).parent
TESTS = Path(__file__).parent
HOUSE = TESTS.parent
DESIGN = HOUSE / "docs" / "design.rst"

WORLD = {"core", "interfaces", "threads"}
MAY_IMPORT = {
    "core": set(),
    "interfaces": {"core"},
    "threads": {"core", "interfaces"},
    "providers": WORLD,
    "disks": WORLD,
    "store": WORLD,
    "images": WORLD,
    "credentials": WORLD,
    "exports": WORLD,
    "vacquery": WORLD,
    "guests": WORLD,
    "monitor": WORLD,
    "testing": WORLD,
}
MAY_IMPORT["daemon"] = set(MAY_IMPORT)
MAY_IMPORT["commands"] = set(MAY_IMPORT)
MAY_IMPORT["daemon"] -= {"testing"}

PURE = {
    *("__future__", "attrs", "vcycle"),
    *(
        "base64",
        "collections",
        "datetime",
        "difflib",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "hmac",
    ),
    *("ipaddress", "itertools", "json", "math", "operator", "posixpath", "random", "re"),
    *("string", "struct", "textwrap", "typing", "unicodedata", "urllib.parse", "xml.etree"),
}
"""All that the core may import: modules that compute, and touch nothing."""

CLOCKS = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|clock_gettime)(_ns)?"
    r"|(datetime\.)?(datetime|date)\.(now|utcnow|today)"
)
BARE_CLOCKS = {"time.gmtime": 1, "time.localtime": 1, "time.ctime": 1, "time.strftime": 2}
"""Functions that read the clock where they get fewer arguments."""

IMPURE = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
CHANCE = re.compile(r"random\.(?!Random$)\w+")
NO_NAMES = {
    "util",
    "utils",
    "common",
    "helper",
    "helpers",
    "misc",
    "manager",
    "handler",
    "handlers",
}
NO_WORDS = NO_NAMES | {"instance", "instances", "drone", "lm", "node", "nodes", "managers"}
"""Words that other things are called in this house."""

MAX_LINES = 300
MODULES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


def room(path: Path) -> str:
    """The package, or the plain module, directly below ``vcycle``."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Full dotted names of all that is imported anywhere; relative ones begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            where = "." * node.level + (node.module or "")
            yield from (f"{where}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """What is called by a plain dotted name, and with how many arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), len(node.args) + len(node.keywords)


def named(tree: ast.AST) -> Iterator[str]:
    """Names that a module gives: to classes, functions, arguments and variables."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words(name: str) -> set[str]:
    """The words of an identifier, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def under(name: str, allowed: set[str]) -> bool:
    """Is a dotted name one of the allowed, or below one?"""
    return any(name == each or name.startswith(f"{each}.") for each in allowed)


def rooms_of_the_design() -> dict[str, set[str]]:
    """The table of rooms in the design's text: what each may import beside itself."""
    table = DESIGN.read_text(encoding="utf-8").partition("\nRooms\n-----\n")[2]
    rule = next(line for line in table.splitlines() if line.startswith("==="))
    starts = [match.start() for match in re.finditer(r"=+", rule)]
    rows = table.split(rule)[2].strip("\n").splitlines()
    told = {row[: starts[1]].strip(): row[starts[3] :].split() for row in rows}
    found = {}
    for name, others in told.items():
        if others[0] == "all":
            found[name] = set(told) - {name, *others[2:]}
        else:
            found[name] = set(others) - {"nothing"}
    return found


class RoomTests(SynchronousTestCase):
    def test_rooms(self) -> None:
        """A module imports only from the rooms that its own may look into."""
        for path, tree in TREES.items():
            own = room(path)
            seen = {name.split(".")[1] for name in imports(tree) if name.startswith("vcycle.")}
            self.assertEqual(set(), seen - MAY_IMPORT[own] - {own, "__version__"}, path)

    def test_design(self) -> None:
        """The design's text shows the same rooms, with the same doors; and they are all there."""
        self.assertEqual(
            {name: others - {name} for name, others in MAY_IMPORT.items()}, rooms_of_the_design()
        )
        self.assertEqual(set(MAY_IMPORT), {room(path) for path in MODULES})

    def test_providers_are_strangers(self) -> None:
        """No provider imports another; they share only plain modules."""
        packages = {path.parent.name for path in (ROOT / "providers").glob("*/__init__.py")}
        for path, tree in TREES.items():
            if room(path) == "providers":
                used = {n.split(".")[2] for n in imports(tree) if n.startswith("vcycle.providers.")}
                self.assertEqual(set(), (used & packages) - {path.parent.name}, path)

    def test_libvirt_stays_inside(self) -> None:
        """Only its own provider knows libvirt, so that nothing of it gets out of its threads."""
        for path, tree in TREES.items():
            if (ROOT / "providers" / "libvirt") not in path.parents:
                self.assertFalse(any(under(name, {"libvirt"}) for name in imports(tree)), path)

    def test_absolute_imports(self) -> None:
        """Imports are absolute."""
        for path, tree in TREES.items():
            self.assertEqual([], [name for name in imports(tree) if name.startswith(".")], path)


class PurityTests(SynchronousTestCase):
    def test_imports(self) -> None:
        """The core imports nothing that could reach the world or tell the time."""
        for path, tree in TREES.items():
            if room(path) == "core":
                self.assertEqual(
                    [], [name for name in imports(tree) if not under(name, PURE)], path
                )

    def test_calls(self) -> None:
        """The core opens and prints nothing, and leaves nothing to chance but with a seed."""
        for path, tree in TREES.items():
            if room(path) == "core":
                called = [name for name, _ in calls(tree)]
                self.assertEqual(
                    [], [n for n in called if n in IMPURE or CHANCE.fullmatch(n)], path
                )

    def test_clocks(self) -> None:
        """Nobody but the daemon reads a clock: others are handed one, or a number."""
        for path, tree in TREES.items():
            if room(path) != "daemon":
                read = [
                    name
                    for name, count in calls(tree)
                    if CLOCKS.fullmatch(name) or count < BARE_CLOCKS.get(name, 0)
                ]
                read += [name for name in imports(tree) if name.startswith("time.")]
                self.assertEqual([], read, path)

    def test_global_reactor(self) -> None:
        """Nobody but the daemon knows the global reactor."""
        for path, tree in TREES.items():
            if room(path) != "daemon":
                self.assertNotIn("twisted.internet.reactor", set(imports(tree)), path)

    def test_commands_begin_light(self) -> None:
        """A command imports neither Twisted nor libvirt before it needs them."""
        for path, tree in TREES.items():
            if room(path) == "commands":
                at_once = ast.Module(
                    [n for n in tree.body if not isinstance(n, ast.FunctionDef)], []
                )
                heavy = [name for name in imports(at_once) if under(name, {"twisted", "libvirt"})]
                self.assertEqual([], heavy, path)


class FormTests(SynchronousTestCase):
    def test_small(self) -> None:
        """No module outgrows what one can read at a sitting."""
        for path in MODULES:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            self.assertLessEqual(lines, MAX_LINES, path)

    def test_module_names(self) -> None:
        """Modules are named after what they hold."""
        for path in [*MODULES, *TESTS.rglob("*.py")]:
            self.assertEqual(set(), words(path.stem) & NO_NAMES, path)

    def test_words(self) -> None:
        """One word for each thing, and not the words of other houses."""
        for path, tree in TREES.items():
            wrong = [name for name in named(tree) if words(name) & NO_WORDS]
            self.assertEqual([], wrong, path)

    def test_future_annotations(self) -> None:
        """Every module's annotations are read by type checkers alone."""
        for path, tree in TREES.items():
            if tree.body[1:]:
                self.assertIn("__future__.annotations", set(imports(tree)), path)

    def test_docstrings(self) -> None:
        """Every module says in a sentence what it is for."""
        for path, tree in TREES.items():
            self.assertTrue(ast.get_docstring(tree), path)

    def test_no_mocks(self) -> None:
        """Fakes keep a contract; nothing is patched."""
        for path in [*MODULES, *TESTS.rglob("*.py")]:
            names = imports(ast.parse(path.read_text(encoding="utf-8")))
            self.assertFalse(any(under(name, {"mock", "unittest.mock"}) for name in names), path)

    def test_plugin_place(self) -> None:
        """The place of Twisted's plugins is no package of ours: it would hide theirs."""
        self.assertEqual([], list((HOUSE / "twisted").rglob("__init__.py")))
