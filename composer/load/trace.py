"""What `config --explain` needs to know about loading: every layer as it was read, kept only when somebody asks."""

from __future__ import annotations

from dataclasses import dataclass, field

from composer.load.node import Node


@dataclass(frozen=True, slots=True)
class Layer:
    """A document in canonical form, or what a service takes from another one, at its own path. `rule` is why it counts when it
    is the last one to say something."""

    tree: Node
    rule: str


FILE = "a later file goes on top of an earlier one"
INCLUDE = "what the including file does not say is taken from the included one"
EXTENDS = "what a service does not say itself is taken from the one it extends"


@dataclass(slots=True)
class Trace:
    """Layers in the order in which they count, the last most; `raw` are documents before interpolation."""

    layers: list[Layer] = field(default_factory=list)
    raw: list[Node] = field(default_factory=list)

    def below(self, start: int, tree: Node, rule: str) -> None:
        """Put a layer under those that came after the first `start` ones."""
        self.layers.insert(start, Layer(tree, rule))
