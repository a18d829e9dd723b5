"""Tables of what hardware and software agree upon: instructions, image, registers, configuration."""

import dataclasses
import enum

from pointwise.hw.contract.config import PRESETS, CoreConfig
from pointwise.hw.contract.docstrings import attribute_docs, member_docs
from pointwise.hw.contract.image import Header
from pointwise.hw.contract.registers import ERROR_TEXT, Cause, Error, Register

from .markdown import markdown


def members(cls: type[enum.IntEnum]) -> str:
    """Members of an enumeration with their values and what is said of them."""
    docs = member_docs(cls)
    if not docs:
        return markdown(("value", "name"), ((m.value, f"``{m.name}``") for m in cls))
    rows = ((m.value, f"``{m.name}``", docs.get(m.name, "")) for m in cls)
    return markdown(("value", "name", "meaning"), rows)


def fields(layout: tuple[tuple[str, int], ...], cls: type) -> str:
    """An instruction's fields: word, bits in that word, and meaning."""
    docs = attribute_docs(cls, [field.name for field in dataclasses.fields(cls)])
    rows, position = [], 0
    for name, width in layout:
        word, low = divmod(position, 32)
        position += width
        last = (position - 1) // 32
        bits = f"{low + width - 1}:{low}" if width > 1 else str(low)
        if last > word:
            word, bits = f"{word}–{last}", "all"
        shown = "reserved, 0" if name.startswith("reserved") else docs.get(name, "")
        rows.append((word, bits, "" if name.startswith("reserved") else f"``{name}``", shown))
    return markdown(("word", "bits", "field", "meaning"), rows)


def header() -> str:
    """The sixteen words of the image's header."""
    names = [field.name for field in dataclasses.fields(Header)]
    docs = attribute_docs(Header, names)
    rows: list[tuple[object, str, str]] = [(0, "``magic``", "``MAGIC``, the letters PWSE")]
    rows.append((1, "``version``", "``VERSION``"))
    rows += [(index, f"``{name}``", docs[name]) for index, name in enumerate(names, 2)]
    rows.append((f"{len(rows)}–15", "", "0"))
    return markdown(("word", "field", "meaning"), rows)


def registers() -> str:
    """The register map."""
    docs = member_docs(Register)
    rows = [(r.value, f"``{r.name}``", docs.get(r.name, "RO")) for r in Register if r is not Register.CAUSES]
    for cause in Cause:
        meaning = f"cycles that went to ``{cause.name}``"
        rows.append((Register.CAUSES + 4 * cause, f"``CAUSES`` + {4 * cause}", meaning))
    rows = [(f"``{address:#04x}``", *rest) for address, *rest in rows]
    return markdown(("address", "register", "meaning"), rows)


def errors() -> str:
    """Error codes."""
    rows = ((error.value, f"``{error.name}``", ERROR_TEXT[error]) for error in Error)
    return markdown(("code", "name", "what it says"), rows)


def configuration() -> str:
    """Parameters of a core, with defaults."""
    parameters = dataclasses.fields(CoreConfig)
    docs = attribute_docs(CoreConfig, [field.name for field in parameters])
    rows = ((f"``{field.name}``", field.default, docs[field.name]) for field in parameters)
    return markdown(("parameter", "default", "meaning"), rows)


def presets() -> str:
    """The named configurations, with what derives from them."""
    names = ("rows", "cols", "post_lanes", "max_tokens", "act_kib", "act_banks", "res_kib", "axi_data_width")
    rows = [(f"``{key}``", *(getattr(config, name) for name in names)) for key, config in PRESETS.items()]
    return markdown(("preset", *(f"``{name}``" for name in names)), rows)
