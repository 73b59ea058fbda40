"""Sentences are translated when a template is compiled, not each time it is filled in: an environment has one language.

Of `_("English %(name)s", name=...)` and `{% trans %}` only the names are left to be filled in. Where a number decides
between two sentences, `pluralize`, they are chosen as the page is made.
"""

import re
from collections.abc import Callable

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

_PLACE = re.compile(r"%(?:%|\((\w+)\)s)")


class Translating(Environment):
    """`gettext` is that of its language, in Python's own form."""

    gettext: Callable[[str], str]

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Translator(self.gettext).visit(source), name, filename, defer_init)


class _Translator(NodeTransformer):
    def __init__(self, gettext: Callable[[str], str]) -> None:
        self._gettext = gettext

    def visit_Output(self, output: nodes.Output) -> nodes.Node:  # noqa: N802  # as Jinja calls it
        """Words that are printed become the template's own, and names are printed between them."""
        output.nodes = [piece for it in output.nodes for piece in self._pieces(it) or [it]]
        return self.generic_visit(output)

    def visit_Call(self, call: nodes.Call) -> nodes.Node:  # noqa: N802
        """A sentence that is passed on: whatever is in it is escaped once, and none of it later."""
        match self._pieces(call):
            case []:
                return self.generic_visit(call)
            case [words]:
                return words
            case pieces:
                escaped = [it if _is_words(it) else nodes.Filter(it, "escape", [], [], None, None) for it in pieces]
                return self.generic_visit(nodes.MarkSafe(nodes.Concat(escaped)))

    def _pieces(self, it: nodes.Expr) -> list[nodes.Expr]:
        """Words, a name or a percent sign, words, and so on; none where `it` is no sentence. Raises KeyError for a name
        in its translation that the template does not give."""
        match it:
            case nodes.Call(node=nodes.Name(name="_" | "gettext"), args=[nodes.Const(value=str(sentence))]):
                given = {one.key: one.value for one in it.kwargs} | {"%": _words("%")}
                split = _PLACE.split(self._gettext(sentence))
                return [given[piece or "%"] if n % 2 else _words(piece) for n, piece in enumerate(split)]
        return []


def _words(ours: str) -> nodes.Expr:
    return nodes.Const(Markup(ours))  # noqa: S704  # written by us, as the template itself


def _is_words(it: nodes.Expr) -> bool:
    return isinstance(it, nodes.Const) and isinstance(it.value, Markup)
