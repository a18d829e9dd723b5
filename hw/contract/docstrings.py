"""What docstrings say of attributes, and the strings below assignments of what is assigned."""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from .errors import PointwiseError


def member_docs(cls: type) -> dict[str, str]:
    """The strings that stand below the assignments in the body of a class, by the name assigned."""
    tree: Any = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]  # an ``ast.ClassDef``
    found = {}
    for pair in itertools.pairwise(tree.body):
        match pair:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = " ".join(text.split()).rstrip(".")
    return found


def attribute_docs(cls: type, names: Iterable[str]) -> dict[str, str]:
    """What the ``Attributes`` of a docstring say of each name; where names share a text, the first has it.

    Raises:
        PointwiseError: a name is not explained.
    """
    names = list(names)
    section = (inspect.getdoc(cls) or "").partition("Attributes:\n")[2]
    text = " ".join(section.split())
    known = "|".join(sorted(names, key=len, reverse=True))
    heads = list(re.finditer(rf"(?:^|(?<=[.;] ))((?:{known})(?:, (?:{known}))*): ", text))
    found: dict[str, str] = {}
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        group = head[1].split(", ")
        meaning = text[head.end() : following.start() if following else None].strip().rstrip(".;")
        if len(group) > 1:
            meaning = f"with {', '.join(f'``{name}``' for name in group[1:])}: {meaning}"
        found[group[0]] = meaning
        found |= dict.fromkeys(group[1:], f"see ``{group[0]}``")
    missing = [name for name in names if name not in found]
    if missing:
        raise PointwiseError(f"the docstring of {cls.__name__} does not explain {missing[0]}; add it there")
    return found
