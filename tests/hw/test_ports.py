"""Every port of every component has an entry of its own in its docstring."""

import importlib
import inspect
import pkgutil
import re

import pytest
from amaranth.lib import wiring

from pointwise import hw

BOARDS = "pointwise.hw.boards"
"""What is for systems with a board around the core needs packages that few have."""
PORT = re.compile(r'^\s+"(\w+)": (?:In|Out)\(', re.MULTILINE)


def components() -> list[type[wiring.Component]]:
    found = []
    for module in pkgutil.walk_packages(hw.__path__, f"{hw.__name__}."):
        if module.name.startswith(BOARDS):
            continue
        members = vars(importlib.import_module(module.name)).values()
        found += [
            member
            for member in members
            if inspect.isclass(member)
            and issubclass(member, wiring.Component)
            and member.__module__ == module.name
        ]
    return found


@pytest.mark.parametrize("component", components(), ids=lambda component: component.__name__)
def test_ports_have_entries(component: type[wiring.Component]):
    names = PORT.findall(inspect.getsource(component))
    entries = re.findall(r"^ {8}(\w+): ", component.__doc__ or "", re.MULTILINE)
    assert [name for name in names if name not in entries] == []


def test_components_are_found():
    assert len(components()) > 30
