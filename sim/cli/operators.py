"""``pointwise operators``."""

from typing import Annotated

import typer
from rich.console import Console

from .options import MOST_SEED, new_table


def command(
    count: Annotated[int, typer.Option(min=1, help="Made-up images, each with weights of its own.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Seed of images and weights.")] = 0,
    spread: Annotated[float, typer.Option(help="Factor on the inputs of softmax and GELU.")] = 1.0,
) -> None:
    """Put the operators of Scaled Quantization (Chang and Sobelman) beside ours, on the same inputs.

    Prints the paper's Table 1 with the errors measured here, its Table 2 with the iterates of its inverse
    square root, and what ours keep of float64 on random data and with outlier channels.
    """
    from pointwise.model.reference import accuracy
    from pointwise.model.reference.operators import table
    from pointwise.model.reference.table2 import PUBLISHED, iterates_of_table2

    console = Console(markup=False)
    with console.status("operators"):
        rows, steps = table(count, seed, spread), iterates_of_table2()
    shown = new_table(
        "mean squared error against float64",
        ("", "right"),
        ("operator", "left"),
        ("published", "right"),
        ("theirs, here", "right"),
        ("ours, here", "right"),
    )
    for index, row in enumerate(rows, 1):
        published = "" if row.published is None else f"{row.published:.3g}"
        number = str(index) if row.published is not None else ""
        shown.add_row(number, row.name, published, f"{row.scaled:.3g}", f"{row.ours:.3g}")
    console.print(shown)
    shown = new_table(
        "1/√15.25 by the quantised Newton method",
        ("iteration", "right"),
        ("published", "right"),
        ("here", "right"),
        ("equation (9) in float64", "right"),
        ("1/√15.25", "right"),
    )
    for iteration, published in PUBLISHED.items():
        y, scale, real = steps[iteration]
        shown.add_row(str(iteration), f"{published}", f"{y}/2^{scale}", f"{real:.4f}", f"{15.25**-0.5:.4f}")
    console.print(shown)
    with console.status("accuracy"):
        measured = accuracy.table(seed)
    shown = new_table(
        "ours against float64",
        ("operator", "left"),
        ("data", "left"),
        ("here", "right"),
        ("wanted", "right"),
        ("uint8 alone", "right"),
    )
    for row in measured:
        sign = "≥" if row.unit == "dB" else "≤"
        wanted = "" if row.wanted is None else f"{sign} {row.wanted:g} {row.unit}"
        limit = "" if row.limit is None else f"{row.limit:.1f} dB"
        shown.add_row(row.operator, row.data, f"{row.got:.2f} {row.unit}", wanted, limit)
    console.print(shown)
