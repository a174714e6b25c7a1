"""`--PART.NAME VALUE`: options of parts, taken out of a command line before the rest of it is read.

Which parts there are and what options they have is not known here, since that needs the models: a name that does not
exist is refused where the part is made, with the nearest name that does.
"""

import re
from collections.abc import Mapping, Sequence

from reverie.errors import InputError

Options = dict[str, dict[str, str]]

_OPTION = re.compile(r"--(?P<part>[A-Za-z][\w-]*)\.(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
_ALMOST = re.compile(r"--[\w-]*\.[^=/]*(?:=.*)?", re.DOTALL)
_NUMBER = re.compile(r"-(\d|\.\d|inf|nan)")


def taken_out(words: Sequence[str]) -> tuple[list[str], Options]:
    """The words without the options of parts, and those options: part → name → value, as words.

    Example:
        >>> taken_out(["fit", "digits", "--model.sizes", "50,20", "--learner.moves=5", "--seed", "3"])
        (['fit', 'digits', '--seed', '3'], {'model': {'sizes': '50,20'}, 'learner': {'moves': '5'}})
    """
    rest: list[str] = []
    options: Options = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            return [*rest, word, *queue], options
        found = _OPTION.fullmatch(word)
        if found is None:
            if _ALMOST.fullmatch(word):
                raise InputError(f"{word} is no option: write --PART.NAME VALUE, such as --model.sizes 50,20")
            rest.append(word)
            continue
        part, name, value = found["part"].lower(), found["name"].replace("-", "_"), found["value"]
        if value is None:
            if not queue or (queue[0].startswith("-") and not _NUMBER.match(queue[0])):
                raise InputError(f"{word} needs a value")
            value = queue.pop(0)
        if name in options.setdefault(part, {}):
            raise InputError(f"--{part}.{found['name']} is given twice")
        options[part][name] = value
    return rest, options


def first(options: Mapping[str, Mapping[str, str]]) -> str:
    """The first of the options, as it is written."""
    part, names = next(iter(options.items()))
    return f"--{part}.{next(iter(names))}"
