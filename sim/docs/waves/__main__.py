"""``python -m pointwise.sim.docs.waves``: record the diagrams anew; ``pointwise.sim.docs`` draws them."""

from pointwise.hw.contract.files import write_file
from pointwise.sim.docs.documents import ROOT

from .inside import record_inside, waves
from .record import record

FOLDER = ROOT / "docs" / "waves"

if __name__ == "__main__":
    for name, text in {**record(), **record_inside(waves())}.items():
        write_file(FOLDER / f"{name}.json", text)
        print(f"{FOLDER / name}.json recorded")
