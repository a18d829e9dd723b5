"""The timing diagrams of the documents: docs/waves/*.json, in WaveDrom's format, drawn as SVG beside them."""

import re
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
XLINK = "{http://www.w3.org/1999/xlink}"


def drawn(text: str) -> str:
    """A diagram as SVG: on white, and without the shapes of WaveDrom that it does not use."""
    import wavedrom

    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", XLINK[1:-1])
    drawing = wavedrom.render(text)
    assert drawing is not None  # as it would be of what is no diagram
    tree = ElementTree.fromstring(drawing.tostring())
    used = {element.get(f"{XLINK}href", "")[1:] for element in tree.iter(f"{SVG}use")}
    used |= set(re.findall(r"url\(#(\w+)\)", ElementTree.tostring(tree, "unicode")))
    for shapes in tree.iter(f"{SVG}defs"):
        for shape in list(shapes):
            if shape.get("id") and shape.get("id") not in used:
                shapes.remove(shape)
    ground = ElementTree.Element(f"{SVG}rect", {"width": "100%", "height": "100%", "fill": "white"})
    tree.insert(0, ground)
    return ElementTree.tostring(tree, "unicode") + "\n"
