"""SystemRDL 2.0 of the registers, for tools that make headers, documents, IP-XACT or UVM models of it."""

from pointwise.hw.contract.config import CoreConfig
from pointwise.hw.contract.registers import ERROR_TEXT, Error

from .register_map import WORD_BITS, Access, Entry, Field, register_map

RDL = "pointwise.rdl"
CODES = "error_code"
PROPERTIES = {
    Access.READ: "sw = r; hw = w;",
    Access.READ_WRITE: "sw = rw; hw = r;",
    Access.PULSE: "sw = w; hw = r; singlepulse;",
    Access.CLEAR: "sw = rw; hw = rw; onwrite = woclr;",
}


def system_rdl(config: CoreConfig) -> str:
    """The text of the description."""
    codes = [f'    {e.name} = 8\'d{e.value} {{ desc = "{ERROR_TEXT[e]}"; }};' for e in Error]
    registers = [line for entry in register_map(config) for line in _register(entry)]
    return "\n".join(
        [
            "// Registers of a Pointwise core. Written with its Verilog; they belong together.",
            "addrmap pointwise {",
            '  name = "Pointwise";',
            f'  desc = "A core of {config.rows} rows and {config.cols} columns";',
            f"  default regwidth = {WORD_BITS};",
            f"  default accesswidth = {WORD_BITS};",
            f"  enum {CODES} {{",
            *codes,
            "  };",
            *registers,
            "};",
            "",
        ]
    )


def _register(entry: Entry) -> list[str]:
    return [
        "  reg {",
        f"    desc = {_quoted(entry.about)};",
        *(f"    {_field(field, entry.reset)}" for field in entry.fields),
        f"  }} {entry.name} @ 0x{entry.address:02x};",
    ]


def _field(field: Field, reset: int) -> str:
    words = PROPERTIES[field.access]
    words += f" desc = {_quoted(field.about)};" if field.about else ""
    words += f" encode = {CODES};" if field.name == "CODE" else ""
    place = f"[{field.low + field.width - 1}:{field.low}]"
    value = (reset & field.mask) >> field.low
    return f"field {{ {words} }} {field.name}{place} = {field.width}'h{value:x};"


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))
