"""Every kind of file that Pointwise reads: a sound one, how it is damaged, and how it is read.

A kind makes its files in a folder once. For each case they are copied, ``damage`` changes one of them, and
``read`` does with them what the commands do, writing into ``out`` alone.
"""

from pointwise.sim.reporting import quantisation

from . import checkpoint_folders, checkpoints, configurations, images, networks, results
from .kind import Kind, in_bytes, in_json, one_of
from .safetensors_damage import in_arrays, in_header, in_metadata, renamed_everywhere

_NETWORK, _OURS = "n.safetensors", "c.safetensors"
_MAPS = ("config.json", "preprocessor_config.json", "model.safetensors.index.json")

KINDS: dict[str, Kind] = {
    "network": Kind(
        networks.make_network,
        one_of(
            *(in_metadata(_NETWORK),) * 4,
            *(renamed_everywhere(_NETWORK), in_arrays(_NETWORK), in_header(_NETWORK), in_bytes(_NETWORK)),
        ),
        networks.read_network,
    ),
    "manifest": Kind(
        networks.make_folder,
        one_of(*(in_json("manifest.json"),) * 6, in_bytes("image.bin"), in_bytes("input.bin")),
        networks.read_folder,
    ),
    "core": Kind(configurations.make_core, in_json("config.json"), configurations.read_core),
    "board": Kind(configurations.make_board, in_json("board.json"), configurations.read_board),
    "safetensors": Kind(
        checkpoints.make_ours,
        one_of(
            *(in_metadata(_OURS),) * 2,
            *(renamed_everywhere(_OURS), in_arrays(_OURS), in_header(_OURS), in_bytes(_OURS)),
        ),
        checkpoints.reads_checkpoint(_OURS),
    ),
    "pickle": Kind(
        checkpoints.make_pickle,
        one_of(*(checkpoints.in_pickle,) * 2, checkpoints.in_archive, in_bytes("c.pth")),
        checkpoints.reads_checkpoint("c.pth"),
    ),
    "huggingface": Kind(
        checkpoint_folders.make_huggingface,
        one_of(*map(in_json, _MAPS), *(in_arrays(n) for n in ("a.safetensors", "b.safetensors"))),
        checkpoints.reads_checkpoint("."),
    ),
    "timm": Kind(
        checkpoint_folders.make_timm,
        one_of(in_json("config.json"), in_arrays("model.safetensors")),
        checkpoints.reads_checkpoint("."),
    ),
    "recipe": Kind(configurations.make_recipe, configurations.in_recipe, configurations.read_recipe),
    # The largest picture has 16 million pixels, which are there as they were stored, as colours and resized.
    "images": Kind(images.make_images, images.in_images, images.read_images, 256 << 20),
    "methods": Kind(results.make_methods, in_json("methods.json"), results.read_methods),
    "results": Kind(results.make_results, results.in_results, results.read_results),
    "report": Kind(results.make_report, in_json(quantisation.REPORT), results.read_report),
}
"""Every kind by its name."""
