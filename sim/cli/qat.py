"""``pointwise qat``."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sim.build import build_root

from . import options


def command(
    checkpoint: options.Checkpoint = None,
    weights: Annotated[
        str,
        typer.Option("--quantiser", help="Quantiser of weights: lsq, sawb, pact, minmax, or FILE.py:CLASS."),
    ] = "lsq",
    activations: Annotated[
        str, typer.Option(help="The same of activations; none calibrates them after training.")
    ] = "lsq",
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight, 2 to 8.")] = 4,
    edge_bits: Annotated[
        int | None, typer.Option(help="Bits in the first and the last layer, if others than that.")
    ] = None,
    prune: Annotated[str | None, typer.Option(help="N:M, as 2:4: of M weights N are not zero.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training set, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(**options.SEED, help="Seed, instead of the recipe's.")] = None,
    threads: options.Threads = 1,
    out: Annotated[Path | None, typer.Option(help="Integer network to write (.safetensors).")] = None,
) -> None:
    """Train a network for the digits aware of its quantisation, and write its integers.

    It starts from a trained checkpoint. What is measured are integers, on images that are held out. The same
    seed gives the same integers on the same machine. pointwise compile --network FILE makes a memory image.
    """
    from model import digits
    from model.checkpoints import MICRO_DIGITS, load_checkpoint
    from model.evaluate import compare, float_logits, integer_logits
    from model.graph import Graph
    from model.graph.ops import Linear
    from model.qat import QatRecipe, train_aware
    from model.quantise import save_network
    from model.quantise.io import check_path

    console = Console(markup=False)
    changes = {name: value for name, value in (("epochs", epochs), ("seed", seed)) if value is not None}
    recipe = QatRecipe(
        weights=weights,
        activations=None if activations == "none" else activations,
        weight_bits=weight_bits,
        edge_bits=edge_bits,
        prune=prune,
    )
    recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, **changes))
    float_net, data = load_checkpoint(checkpoint or MICRO_DIGITS), digits.load()
    images, labels = data.held_out.normalised(), data.held_out.labels
    path = check_path(out or build_root() / f"digits_w{weight_bits}.safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    result = train_aware(
        float_net, data.train, data.calibration, recipe, name=path.stem, threads=threads, console=console
    )
    save_network(path, result.network)
    exact = float_logits(float_net.state, float_net.config, images)

    def measured(network: Graph) -> str:
        return f"{compare(exact, integer_logits(network, images), labels).top1_integer:.2f} %"

    layers = [op for op in result.network.ops if isinstance(op, Linear)]
    zeros = sum(int((layer.weight == 0).sum()) for layer in layers) / sum(
        layer.weight.size for layer in layers
    )
    table = Table(title=f"{path}", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    table.add_row("held-out images", str(len(labels)))
    table.add_row("top-1, float32 before", f"{compare(exact, exact, labels).top1_float:.2f} %")
    table.add_row("top-1, integers before training", measured(result.before))
    table.add_row("top-1, integers after training", measured(result.network))
    table.add_row("weights that are 0", f"{100 * zeros:.1f} %")
    console.print(table)
