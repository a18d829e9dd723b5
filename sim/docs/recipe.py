"""The table of what a recipe of quantisation holds."""

import dataclasses

from pointwise.hw.contract.docstrings import attribute_docs

from .markdown import markdown


def recipe() -> str:
    """The keys of a recipe, with what they take and their defaults."""
    from pointwise.model.quantise.recipe import CHOICES, METHOD_KEYS, WHOLE, LayerRecipe

    options = dataclasses.fields(LayerRecipe)
    docs = attribute_docs(LayerRecipe, [option.name for option in options])

    def taken(name: str) -> str:
        if name in METHOD_KEYS:
            return ", ".join(f"``{method}``" for method in METHOD_KEYS[name][0]) + ", or one of yours"
        if name in WHOLE:
            return "{} to {}".format(*WHOLE[name])
        return ", ".join(f"``{word}``" for word in CHOICES.get(name, ("true", "false")))

    defaults = ((o, str(o.default).lower() if isinstance(o.default, bool) else o.default) for o in options)
    lines = ((f"``{o.name}``", taken(o.name), f"``{default}``", docs[o.name]) for o, default in defaults)
    return markdown(("key", "takes", "default", "meaning"), lines)
