"""How a table is written in Markdown."""

from collections.abc import Iterable


def markdown(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table; ``code`` of reStructuredText becomes `code`."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    cells = ([str(cell).replace("``", "`").replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
