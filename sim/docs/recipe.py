"""The table of what a recipe of quantisation holds."""

import dataclasses

from pointwise.hw.contract.docstrings import attribute_docs

from .markdown import markdown


def recipe() -> str:
    """The keys of a recipe, with what they take and their defaults."""
    from pointwise.model.quantise.recipe import METHODS_OF, LayerConfig, layer_form

    options = dataclasses.fields(LayerConfig)
    docs = attribute_docs(LayerConfig, [option.name for option in options])

    known = layer_form().model_json_schema()["properties"]

    def taken(name: str) -> str:
        if name in METHODS_OF:
            return ", ".join(f"``{method}``" for method in METHODS_OF[name]) + ", or one of yours"
        if "minimum" in known[name]:
            return f"{known[name]['minimum']} to {known[name]['maximum']}"
        return ", ".join(f"``{word}``" for word in known[name].get("enum", ("true", "false")))

    defaults = ((o, str(o.default).lower() if isinstance(o.default, bool) else o.default) for o in options)
    lines = ((f"``{o.name}``", taken(o.name), f"``{default}``", docs[o.name]) for o, default in defaults)
    return markdown(("key", "takes", "default", "meaning"), lines)
