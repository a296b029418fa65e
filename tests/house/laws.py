"""The laws of the house (design.md 3) as functions over one source, and over all of them together.

Each takes what it judges as text, so that a test can show it a breach without breaking the house.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.house.hands import doors_act_as_somebody as doors_act_as_somebody
from tests.house.hands import hands_are_actors as hands_are_actors
from tests.house.reading import CHINESE, ORDER, ROOMS, Source

ROOM_FILES = {"__init__", "model", "store", "service", "facts", "reacts", "jobs"}
KERNEL_FILES = {
    "__init__",
    "audit",
    "backup",
    "bulk",
    "clock",
    "db",
    "dice",
    "facts",
    "files",
    "heads",
    "jobs",
    "lease",
    "levels",
    "opening",
    "refusals",
    "seal",
    "settings",
    "shelf",
    "units",
    "vault",
    "worker",
}
INNER_ORDER = {"model": 0, "facts": 0, "store": 1, "service": 2, "reacts": 3, "jobs": 3}
MAX_LINES = 420


def imports_point_left(source: Source) -> Iterator[str]:
    """A room imports only rooms before it, and them only by their front door; main.py knows all."""
    for node, module, name in source.imports():
        if module.startswith("."):
            yield source.at(node, "import by the full name, `from shouye.…`, not relatively")
        if module.split(".")[0] != "shouye":
            continue
        target = module.split(".")[1:]
        if name and len(target) < 2:
            target.append(name)
            name = ""
        room = ".".join(target[:2])
        if source.path == "shouye/main.py":
            if target[2:3] in (["model"], ["store"], ["service"], ["facts"]):
                yield source.at(node, f"main.py wires rooms by their front door, not by {module}")
        elif target[:1] == ["main"]:
            yield source.at(node, "only main.py knows every room; nobody imports it")
        elif room == source.room:
            yield from _inner_order(source, node, target, name)
        elif not source.room:
            yield source.at(node, f"a wing imports no room ({room})")
        elif room not in ORDER:
            yield source.at(node, f"{room} is no room of design.md 2")
        elif source.room in ORDER and ORDER.index(room) > ORDER.index(source.room):
            yield source.at(node, f"{source.room} reaches right to {room}: record a Fact instead")
        elif len(target) > 2 or name in ROOM_FILES:
            yield source.at(node, f"enter {room} by its front door: `from shouye.{room} import Name`")
    for node, used in source.uses():
        if used == "importlib.import_module" and source.path not in (
            "shouye/main.py",
            "shouye/base/kernel/shelf.py",
        ):
            yield source.at(node, "an import by a computed name hides where it points")
        inner = used.split(".")[1:]
        past_the_door = used.startswith("shouye.") and len(inner) > 2 and inner[2] in ROOM_FILES
        if past_the_door and source.path != "shouye/main.py" and ".".join(inner[:2]) != source.room:
            yield source.at(node, f"{used} goes past the front door")


def _inner_order(source: Source, node: ast.AST, target: list[str], name: str) -> Iterator[str]:
    """Inside a room: model and facts, then store, then service, then reacts and jobs."""
    part = source.inside[0]
    if part not in INNER_ORDER or source.room == "base.kernel" or source.room.startswith("doors."):
        return
    reached = target[2] if len(target) > 2 else name
    if len(target) == 2 and (not name or name[0].isupper()):
        yield source.at(node, f"inside {source.room} import from the file, not from its own front door")
    elif INNER_ORDER.get(reached, 0) > INNER_ORDER[part]:
        yield source.at(node, f"{part} stands before {reached} in a room and cannot import it")


def rooms_have_their_files(source: Source) -> Iterator[str]:
    """Only the rooms of design.md 2, each with the file names it may have and flat shelves."""
    if len(source.parts) == 1:
        if source.parts[0] not in ("__init__", "main"):
            yield f"{source.path}: beside the wings stands only main.py"
    elif len(source.parts) == 2:
        if source.parts[0] not in ROOMS or source.parts[1] != "__init__":
            yield f"{source.path}: a wing holds rooms, no files"
    elif source.room not in ORDER:
        yield f"{source.path}: {source.room} is no room of design.md 2"
    elif source.parts[0] != "doors":
        allowed = KERNEL_FILES if source.room == "base.kernel" else ROOM_FILES
        if len(source.inside) == 1 and source.inside[0] not in allowed:
            yield f"{source.path}: a room's files are {', '.join(sorted(allowed))} and its shelves"
        if len(source.inside) > 2 and source.inside[0] != "migrations":
            yield f"{source.path}: a shelf is flat"
    # A step of the database is as long as its tables are many, and nobody changes it again.
    if len(source.text.splitlines()) > MAX_LINES and source.inside[:2] != ("migrations", "versions"):
        yield f"{source.path}: {len(source.text.splitlines())} lines; a file has at most 400"


def front_doors_say_what_they_are(source: Source) -> Iterator[str]:
    """`__init__` of a room: one paragraph with the Chinese terms, then re-exports and nothing else."""
    if source.inside != ("__init__",):
        return
    if not CHINESE.search(ast.get_docstring(source.tree) or ""):
        yield f"{source.path}: the front door begins with a paragraph that holds the Chinese terms"
    if source.parts[0] == "doors":
        return
    for node in source.tree.body[1:]:
        names = node.names if isinstance(node, ast.ImportFrom) else []
        module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        # Importing reacts and jobs here registers them whenever the room is there.
        wired = module == f"shouye.{source.room}" and all(name.name in ("reacts", "jobs") for name in names)
        own = wired or module.startswith(f"shouye.{source.room}.")
        if not own or any(name.asname != name.name for name in names):
            yield source.at(node, "a front door only re-exports its own room: `from … import A as A`")


_SQL = re.compile(
    r"\s*(SELECT\s.+\sFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|"
    r"(CREATE|DROP|ALTER)\s+(TABLE|INDEX)\s|PRAGMA\s)",
    re.DOTALL,
)


def sql_stays_in_store(source: Source) -> Iterator[str]:
    """Every query of a room is in its store; the kernel has its own."""
    if source.room == "base.kernel" or source.inside == ("store",):
        return
    for node, module, _ in source.imports():
        if module.split(".")[0] in ("sqlalchemy", "sqlite3", "psycopg", "duckdb"):
            yield source.at(node, f"{module} is imported only by store.py and the kernel")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("tx.run", "tx.plain", "tx.connection"):
            yield source.at(node, f"tx.{node.attr} is used only in store.py and the kernel")
    for text in source.strings():
        if _SQL.match(str(text.value)):
            yield source.at(text, "SQL is written only in store.py and the kernel")


def one_edge_commits(source: Source) -> Iterator[str]:
    """Only kernel/db.py commits; only the kernel, jobs, doors and main.py open a transaction."""
    if source.path == "shouye/base/kernel/db.py":
        return
    edge = source.room == "base.kernel" or source.parts[0] in ("doors", "main") or source.inside == ("jobs",)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args + node.keywords:
            if node.func.attr in ("commit", "rollback"):
                yield source.at(node, "only kernel/db.py commits or rolls back")
            if node.func.attr == "begin" and not edge:
                yield source.at(node, "a verb receives its transaction (tx: Tx), it never opens one")
    for text in source.strings():
        if re.fullmatch(r"\s*(BEGIN|COMMIT|ROLLBACK)(\s+\w+)?\s*;?\s*", str(text.value)):
            yield source.at(text, "transactions are spoken of only in kernel/db.py")


_WALL = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime")),
    "sqlalchemy.func.now",
    "sqlalchemy.func.current_timestamp",
}
_STOPWATCH = {f"time.{name}" for name in ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")}


def time_comes_from_the_clock(source: Source) -> Iterator[str]:
    """The wall clock is read in kernel/clock.py alone; a stopwatch only where sockets and sessions live."""
    if source.path == "shouye/base/kernel/clock.py":
        return
    at_the_edge = source.parts[0] in ("doors", "main") or source.room == "base.access"
    at_the_edge = (
        at_the_edge or source.room == "base.proof" or source.inside[:1] in (("transports",), ("channels",))
    )
    for node, name in source.uses():
        if name in _WALL:
            yield source.at(node, f"{name} is read only in kernel/clock.py; take tx.now")
        if not at_the_edge and (name in _STOPWATCH or name.split(".")[0] == "asyncio"):
            yield source.at(node, f"{name} belongs to transports, channels, access and the doors")


_SECRETS = ("base.access", "base.proof", "doors.web", "doors.share")


def chance_is_seeded(source: Source) -> Iterator[str]:
    """The same seed gives the same night: no unseeded chance, no hash(), no order taken from a set."""
    for node, name in source.uses():
        unseeded = name.startswith(("random.", "numpy.random.")) and name.count(".") == (
            2 if "numpy" in name else 1
        )
        if unseeded and name not in ("random.Random", "numpy.random.default_rng", "numpy.random.Generator"):
            yield source.at(node, f"{name} draws from a hidden state; take a random.Random(seed)")
        secret = name.startswith("secrets.") or name in ("uuid.uuid1", "uuid.uuid4", "os.urandom")
        if secret and source.room not in _SECRETS and source.inside != ("vault",):
            yield source.at(node, f"{name}: secrets are made in access and the vault")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash":
            yield source.at(node, "hash() differs from run to run")
        seedless = isinstance(node, ast.Call) and not node.args + node.keywords and source.qualified(node.func)
        if seedless in ("random.Random", "numpy.random.default_rng"):
            yield source.at(node, "a generator is given its seed")
        if isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
            yield source.at(node.iter, "a set has no order: sort it, or use dict.fromkeys")


def _is_set(node: ast.expr) -> bool:
    named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return named or isinstance(node, ast.Set | ast.SetComp)


_PERSONAL = {
    "name",
    "names",
    "surname",
    "phone",
    "phones",
    "mobile",
    "tel",
    "telephone",
    "contact",
    "contacts",
    "address",
    "addresses",
    "email",
    "text",
    "texts",
    "words",
    "wording",
    "idcard",
    "remark",
    "remarks",
    "comment",
    "speech",
    "photo",
    "birthday",
}


def facts_hold_no_personal_data(source: Source) -> Iterator[str]:
    """Facts are for ever: frozen, declared in facts.py, with ids and values only."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or source.path == "shouye/base/kernel/facts.py":
            continue
        is_fact = any(source.qualified(base).endswith("kernel.Fact") for base in node.bases)
        if is_fact and source.inside != ("facts",):
            yield source.at(node, f"{node.name} is a Fact and belongs in facts.py")
        if not is_fact and (source.inside != ("facts",) or _is_enum(source, node)):
            continue
        if not _is_frozen(node):
            yield source.at(node, f"{node.name} is declared @dataclass(frozen=True, kw_only=True)")
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                words = field.target.id.split("_")
                if _PERSONAL & set(words) and words[-1] not in ("id", "ids"):
                    yield source.at(
                        field, f"{node.name}.{field.target.id}: a fact keeps ids and values, not persons"
                    )


def _is_enum(source: Source, node: ast.ClassDef) -> bool:
    return any(source.qualified(base).startswith("enum.") for base in node.bases)


def _is_frozen(node: ast.ClassDef) -> bool:
    return any(
        isinstance(mark, ast.Call)
        and any(
            key.arg == "frozen" and isinstance(key.value, ast.Constant) and key.value.value
            for key in mark.keywords
        )
        for mark in node.decorator_list
    )


def models_are_frozen(source: Source) -> Iterator[str]:
    """A dataclass of a model is a value."""
    if source.inside != ("model",):
        return
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or _is_frozen(node):
            continue
        if any("dataclass" in ast.unparse(mark) for mark in node.decorator_list):
            yield source.at(node, f"{node.name} is declared @dataclass(frozen=True)")


def verbs_take_the_transaction(source: Source) -> Iterator[str]:
    """A public function of service.py is a verb (`tx: Tx` first) or reads files (a `Path` first)."""
    if source.inside != ("service",):
        return
    for node in source.tree.body:
        if isinstance(node, ast.AsyncFunctionDef):
            yield source.at(node, f"{node.name}: rooms are plain synchronous functions")
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            first = (node.args.posonlyargs + node.args.args)[:1]
            kind = source.qualified(first[0].annotation) if first and first[0].annotation else ""
            if kind != "pathlib.Path" and (kind != "shouye.base.kernel.Tx" or first[0].arg != "tx"):
                yield source.at(
                    node, f"{node.name}: a verb takes `tx: Tx` first; what only decides is in model.py"
                )


def refusals_speak_chinese(sources: Iterable[Source]) -> Iterator[str]:
    """Every refusal, however far down the family, has the sentence the officer reads."""
    classes = [(s, n) for s in sources for n in ast.walk(s.tree) if isinstance(n, ast.ClassDef)]
    family = {"Refusal"}
    size = 0
    while size < len(family):
        size = len(family)
        for _, node in classes:
            if any(ast.unparse(base).split(".")[-1] in family for base in node.bases):
                family.add(node.name)
    for source, node in classes:
        if node.name in family:
            sentence = (ast.get_docstring(node) or "").split("\n")[0]
            if not CHINESE.search(sentence) or not sentence.endswith(("。", "！", "？")):
                yield source.at(node, f"{node.name}: the docstring is one whole Chinese sentence ending in 。")


def shelves_offer_one_constant(sources: Iterable[Source]) -> Iterator[str]:
    """One thing, one file: each module of a shelf offers one public constant, all the same one."""
    shelves: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for source in sources:
        shelf = source.inside[:1]
        if source.parts[0] == "doors" or len(source.inside) != 2 or shelf == ("migrations",):
            continue
        if source.inside[1] != "__init__":
            shelves[f"{source.room}.{shelf[0]}"][source.path] = list(_constants(source.tree))
    for shelf_name, modules in shelves.items():
        for path, constants in modules.items():
            if len(constants) != 1:
                yield f"{path}: a module of the shelf {shelf_name} offers one constant, not {constants or 'none'}"
        if len(names := sorted({name for constants in modules.values() for name in constants})) > 1:
            yield f"shouye.{shelf_name}: the constant has one name on a shelf, not {', '.join(names)}"


def _constants(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        targets = (
            node.targets
            if isinstance(node, ast.Assign)
            else [node.target]
            if isinstance(node, ast.AnnAssign)
            else []
        )
        for target in targets:
            if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z][A-Z0-9_]*", target.id):
                yield target.id


def folders_are_packages(sources: Iterable[Source]) -> Iterator[str]:
    """A folder without `__init__` is left out of the wheel without a word."""
    paths = {source.path for source in sources}
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        if f"{folder}/__init__.py" not in paths:
            yield f"{folder}: no __init__.py"


# Written with a bracket, so that this file does not breach its own law.
_TEXT_LAWS = {
    r"(?<![\w.\-}])/(?:wor[k]|tm[p]|roo[t]|hom[e])/\w": "a path of one machine",
    r"(?<!emit-)\b(?:extra-)?index[-_]ur[l]\s*[= ]|registr[y]\s*=\s*http": "the address of a package server",
    r"(?i)https?://[\w.:@-]*(?:pyp[i]|pythonhoste[d]|registr[y]\.npm|npmmirro[r]|artifactor[y]|nexu[s])": (
        "the address of a package server"
    ),
    r'"resolved"\s*:\s*"http[s]?:': "the address of a package server",
    r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b": "unfinished work; finish it or open an issue",
    r"\b(?:xfai[l]|importorski[p]|skipi[f]|pytest\.ski[p]|mark\.ski[p]|skipTes[t])\b": "a test that may not run",
    r"#\s*type:\s*ignor[e]": "a hole in the types",
    r"#\s*noq[a](?!: [A-Z0-9, ]+ - \S)": "noqa without its rule and reason",
}
_TEXT_LAW = [(re.compile(pattern), meaning) for pattern, meaning in _TEXT_LAWS.items()]
_NOT_OURS = ("LICENSE", "requirements.lock")


def committed_text_is_clean(path: str, text: str) -> Iterator[str]:
    """No machine's path, no package server, no unfinished work, no test put aside."""
    if path in _NOT_OURS:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        for pattern, meaning in _TEXT_LAW:
            if found := pattern.search(line):
                yield f"{path}:{number}: {meaning}: {found.group()!r}"


SOURCE_LAWS = (
    imports_point_left,
    rooms_have_their_files,
    front_doors_say_what_they_are,
    sql_stays_in_store,
    one_edge_commits,
    time_comes_from_the_clock,
    chance_is_seeded,
    facts_hold_no_personal_data,
    models_are_frozen,
    verbs_take_the_transaction,
    hands_are_actors,
)
HOUSE_LAWS = (refusals_speak_chinese, shelves_offer_one_constant, folders_are_packages, doors_act_as_somebody)
