"""The borders of the house, as data, and the two readers that find where they are crossed.

`offences` reads source text: which room imports what, and words that have no place in Reverie. `inheritance`
reads classes: each is abstract or final. Both return sentences, one for each offence.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator

# From low to high. A room may import from rooms on its own line and on the lines above it.
ROOMS = (
    {"errors", "version", "backend"},
    {"options", "estimate", "noise", "bits", "divergences"},
    {"data"},
    {"capabilities", "parts"},
    {"networks"},
    {"models"},
    {"inference", "auxiliaries"},
    {"samplers"},
    {"directions"},
    {"learners"},
    {"pairing"},
    {"evaluation"},
    {"loop"},
    {"runs"},
    {"tasks"},
    {"bakeoffs"},
    {"estimators"},
    {"cli", "studio", "__main__"},
)
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}

# Samplers and directions know capabilities, never a concrete model, though models lie below them.
PARTS = {"models", "inference", "auxiliaries"}
STRANGERS = {"samplers": PARTS, "directions": PARTS}

# Where each satellite may be imported: a module, or a room with all that is in it.
SATELLITES = {
    "PIL": ("data",),
    "blackjax": ("samplers",),
    "constriction": ("tasks",),
    "cyclopts": ("cli",),
    "diffrax": ("models",),
    "flowjax": ("models",),
    "matplotlib": ("runs.pictures",),
    "pandas": ("data",),
    "paramax": ("models",),
    "polars": ("data",),
    "pyarrow": ("data",),
    "rich": ("cli",),
    "safetensors": ("runs",),
    "sklearn": ("data", "learners", "directions", "evaluation", "estimators"),
    "starlette": ("studio",),
    "tensorboardX": ("runs",),
    "uvicorn": ("studio",),
}
# Libraries that any room may use; everything else is the standard library, a satellite, or not declared.
COMMON = {"equinox", "jax", "jaxtyping", "msgspec", "numpy", "numpyro", "optax"}

# Modules that run what they read.
UNSAFE = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
# Words that have no place in src, and what is done in their stead.
WORDS = {
    "eval": "nothing that is read is run",
    "exec": "nothing that is read is run",
    "hasattr": "an ability is a capability, asked by isinstance",
    "NotImplementedError": "an ability that may be missing is a capability of its own",
}


def offences(module: str, source: str) -> list[str]:
    """Every border that `source` crosses, if it stands as `module` ("reverie.models.vae")."""
    inside = module.split(".")[1:]
    room = inside[0] if inside else ""
    if room and room not in LEVEL:
        return [f"{module}: the room {room!r} has no place in tests/borders.py"]
    tree = ast.parse(source)
    found = [message for name in _imports(tree) for message in _crossing(room, ".".join(inside), name)]
    found += _words(tree)
    return [f"{module}: {message}" for message in found]


def _imports(tree: ast.AST) -> Iterator[str]:
    """The dotted name of all that is imported, at the top, inside functions, for types only, or by name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=level) if level:
                yield "."
            case ast.ImportFrom(module=str(origin), names=names):
                yield from (f"{origin}.{alias.name}" for alias in names)
            case ast.Call(
                func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name


def _crossing(room: str, inside: str, name: str) -> Iterator[str]:
    """What is wrong with an import of `name` by `inside`, a module of `room`."""
    library, *rest = name.split(".")
    if name == ".":
        yield "imports are written in full, from reverie"
    elif rest[-1:] == ["*"]:
        yield f"{name} hides which names come"
    elif library == "reverie":
        other = rest[0] if rest else ""
        top = room and LEVEL[room] == max(LEVEL.values())
        if not room or other in {room, "__version__"} or (top and not other):
            return
        if other not in LEVEL:
            yield f"{name} is no room of the house"
        elif LEVEL[other] > LEVEL[room]:
            yield f"{room} lies below {other} and may not import {name}"
        elif other in STRANGERS.get(room, ()):
            yield f"{room} knows capabilities, never {name}"
    elif library in UNSAFE:
        yield f"{library} runs what it reads"
    elif library in SATELLITES:
        homes = SATELLITES[library]
        if not any(inside == home or inside.startswith(f"{home}.") for home in homes):
            yield f"{library} is imported in {', '.join(homes)} only"
    elif library not in COMMON and library not in sys.stdlib_module_names:
        yield f"{library} is not declared in tests/borders.py"


def _words(tree: ast.AST) -> Iterator[str]:
    """The words that have no place in src."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=word) | ast.Attribute(value=ast.Name(id="builtins"), attr=word) if word in WORDS:
                yield f"line {node.lineno}: {word}; {WORDS[word]}"
            case ast.keyword(arg="allow_pickle", value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield f"line {value.lineno}: allow_pickle; nothing that is read is run"


def inheritance(classes: Iterable[type], mixins: Iterable[str] = (), defaults: Iterable[str] = ()) -> list[str]:
    """Every class with a concrete base of ours, and every concrete method of ours that is overridden.

    `mixins` names classes that are abstract in spirit and have no abstract member; `defaults` names methods
    ("Sampler.init") of abstract classes whose body is the answer of those that have nothing to say.
    """
    return [message for cls in classes for message in _inherited(cls, set(mixins), set(defaults))]


def _inherited(cls: type, mixins: set[str], defaults: set[str]) -> Iterator[str]:
    if issubclass(cls, BaseException):
        return
    for base in cls.__bases__:
        if _ours(base) and not _abstract(base) and base.__name__ not in mixins:
            yield f"{cls.__qualname__} inherits from {base.__qualname__}, which is concrete"
    for ancestor in filter(_ours, cls.__mro__[1:]):
        for name in sorted(vars(cls).keys() & vars(ancestor).keys()):
            if name.startswith("__") or f"{ancestor.__name__}.{name}" in defaults:
                continue
            if _method(vars(ancestor)[name]) and _method(vars(cls)[name]):
                yield f"{cls.__qualname__}.{name} overrides the concrete one of {ancestor.__qualname__}"


def _ours(cls: type) -> bool:
    return cls.__module__.split(".")[0] == "reverie"


def _abstract(cls: type) -> bool:
    fields = ("__abstractmethods__", "__abstractvars__", "__abstractclassvars__")
    return inspect.isabstract(cls) or any(getattr(cls, field, None) for field in fields)


def _method(member: object) -> bool:
    """Whether a class attribute is a method or property with a body (an abstract one is none)."""
    bodied = callable(member) or isinstance(member, property | classmethod | staticmethod)
    return bodied and not isinstance(member, type) and not getattr(member, "__isabstractmethod__", False)
