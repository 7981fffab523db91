"""Redaction of YAML in place: Kubernetes manifests and Compose files keep their comments and layout.

Parsing gives the position of each scalar, and only those spans are replaced (YAML 1.2, chapter 7). A text that cannot
be parsed, or that parses differently afterwards, is refused.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator

import yaml

from sqlitevault.configuration.secrets import REDACTED, is_literal, looks_secret
from sqlitevault.configuration.text_redaction import Redaction, Unusable, redact_comment, redact_text, redact_value

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_OPEN_IN_SECRET = frozenset({"apiVersion", "kind", "type", "immutable"})
_OPEN_IN_METADATA = frozenset(
    {"name", "generateName", "namespace", "labels", "creationTimestamp", "resourceVersion", "uid", "ownerReferences"}
)
_PROPERTIES = re.compile(r"(?:(?:&\S+|!\S*)\s+)*")
_PLAIN = re.compile(r"[\w./][\w./:@=+?&%$-]*", re.ASCII)
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)
_FLAG = re.compile(r"--?(?P<name>[A-Za-z][\w.-]*)")


def redact_yaml(text: str) -> Redaction:
    """Replace every value of a Kubernetes Secret, and elsewhere every value whose name looks secret.

    Raises:
        Unusable: the text is not YAML or not a mapping, or redaction would change its structure.
    """
    documents = _compose(text)
    if not all(isinstance(document, yaml.CollectionNode) for document in documents):
        raise Unusable("it is not a mapping")
    redactor = _Redactor(text)
    try:
        for document in documents:
            redactor.visit(document)
    except RecursionError:
        raise Unusable("it is nested too deeply") from None
    redactor.redact_comments(documents)
    redacted = redactor.result()
    redactor.require_same_but_for_edits(documents, _compose(redacted.text))
    return redacted


def _compose(text: str) -> list[yaml.Node]:
    try:
        return [document for document in yaml.compose_all(text, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise Unusable(f"it is not valid YAML{where}; perhaps a template") from None
    except (RecursionError, ValueError):
        raise Unusable("it is not valid YAML") from None


class _Redactor:
    """The edits to one text, found by walking its nodes; a collection with aliases is visited once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._edits: dict[tuple[int, int], str] = {}
        self._taken: set[str] = set()
        self._secrets: set[str] = set()
        self._visited: set[tuple[int, bool]] = set()

    def visit(self, node: yaml.Node, name: str = "", *, secret: bool = False) -> None:
        """Redact a node that has this name; with `secret`, every scalar in it."""
        if isinstance(node, yaml.ScalarNode):
            if secret:
                self._take(node, name)
            elif _span(node) not in self._edits:
                self._redact_within(node, name)
        elif (id(node), secret) not in self._visited:
            self._visited.add((id(node), secret))
            if isinstance(node, yaml.SequenceNode):
                self._visit_sequence(node.value, name, secret)
            elif isinstance(node, yaml.MappingNode):
                self._visit_mapping(node, secret)

    def _visit_sequence(self, items: list[yaml.Node], name: str, secret: bool) -> None:
        flag = None
        for item in items:
            value = item.value if isinstance(item, yaml.ScalarNode) else ""
            follows_flag = flag is not None and looks_secret(flag["name"]) and is_literal(value)
            self.visit(item, name if secret else "", secret=secret or follows_flag)
            flag = _FLAG.fullmatch(value)

    def _visit_mapping(self, node: yaml.MappingNode, secret: bool, known_kind: str = "") -> None:
        kinds = {known_kind, *(_name(value).lower() for key, value in _pairs(node) if key == "kind")}
        named = [value.value for key, value in _pairs(node) if key == "name" and isinstance(value, yaml.ScalarNode)]
        for key, value in node.value:
            name = _name(key)
            if secret:
                self.visit(value, name, secret=True)
            elif "secret" in kinds:
                self._visit_field_of_secret(name, value)
            elif "secretlist" in kinds and name == "items":
                for item in value.value if isinstance(value, yaml.SequenceNode) else ():
                    if isinstance(item, yaml.MappingNode):  # it needs no kind of its own
                        self._visit_mapping(item, secret=False, known_kind="secret")
            else:
                meant = named[0] if name == "value" and named else name
                self.visit(value, meant, secret=name == _LAST_APPLIED)

    def _visit_field_of_secret(self, name: str, value: yaml.Node) -> None:
        if name == "metadata" and isinstance(value, yaml.MappingNode):
            for key, inner in value.value:
                self.visit(inner, _name(key), secret=_name(key) not in _OPEN_IN_METADATA)
        else:
            self.visit(value, name, secret=name not in _OPEN_IN_SECRET)

    def _take(self, node: yaml.ScalarNode, name: str) -> None:
        raw = self._raw(node)
        if not node.value.strip() or not raw:
            return
        self._taken.update({node.value, raw})
        if looks_secret(name) or _looks_random(node.value):
            self._secrets.add(node.value)
        quote = node.style if node.style in ("'", '"') else ""
        ending = "\n" if raw.endswith("\n") else ""
        self._edit(node, f"{quote}{REDACTED}{quote}{ending}")

    def _redact_within(self, node: yaml.ScalarNode, name: str) -> None:
        """Redact a scalar because of its name, or part of it: `NAME=value`, a password in a URL, an embedded file."""
        if looks_secret(name) and is_literal(node.value) and ("://" not in node.value or "\n" in node.value):
            self._take(node, name)
            return
        in_block = node.style in ("|", ">")
        before = self._raw(node) if in_block else node.value
        found = redact_value(name, before) if not in_block and looks_secret(name) else redact_text(before)
        self._taken |= found.taken
        self._secrets |= found.secrets
        if found.text == before:
            return
        if in_block or (not node.style and _PLAIN.fullmatch(found.text)):
            self._edit(node, found.text)
        else:
            self._edit(node, json.dumps(found.text, ensure_ascii=False))

    def redact_comments(self, documents: list[yaml.Node]) -> None:
        """Redact comments, which the parser skips: all text after a hash outside scalars."""
        spans = sorted({_span(node) for document in documents for node in _scalars(document)})
        starts = [start for start, _end in spans]
        for match in _COMMENT.finditer(self._text):
            at = bisect_right(starts, match.start()) - 1
            if at >= 0 and match.start() < spans[at][1]:
                continue
            found = redact_text(match[0])
            self._taken |= found.taken
            self._secrets |= found.secrets
            comment = redact_comment(found.text, self._taken)
            if comment != match[0]:
                self._edits[match.span()] = comment

    def result(self) -> Redaction:
        parts: list[str] = []
        at = 0
        for (start, end), replacement in sorted(self._edits.items()):
            parts += (self._text[at:start], replacement)
            at = end
        return Redaction("".join([*parts, self._text[at:]]), frozenset(self._taken), frozenset(self._secrets))

    def require_same_but_for_edits(self, before: list[yaml.Node], after: list[yaml.Node]) -> None:
        """Check that the edits changed only their own scalars."""
        old = [node for document in before for node in _scalars(document)]
        new = [node for document in after for node in _scalars(document)]
        kept = len(old) == len(new) and all(
            was.value == now.value for was, now in zip(old, new, strict=True) if _span(was) not in self._edits
        )
        if not kept:
            raise Unusable("its structure would change without its secrets")

    def _edit(self, node: yaml.ScalarNode, replacement: str) -> None:
        anchors = "".join(re.findall(r"&\S+\s+", self._properties(node)))
        self._edits[_span(node)] = anchors + replacement

    def _properties(self, node: yaml.ScalarNode) -> str:
        """Return the anchor and tag before a scalar; they belong to its span."""
        start, end = _span(node)
        found = _PROPERTIES.match(self._text, start, end)
        return found[0] if found else ""

    def _raw(self, node: yaml.ScalarNode) -> str:
        start, end = _span(node)
        return self._text[start + len(self._properties(node)) : end]


def _looks_random(value: str) -> bool:
    return re.fullmatch(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+/=.~-]{20,}", value) is not None


def _name(node: yaml.Node) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    """Yield the keys and values of a mapping, including those merged by `<<`, one level deep."""
    for key, value in node.value:
        if key.value == "<<":
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in merged:
                if isinstance(source, yaml.MappingNode):
                    yield from ((inner.value, found) for inner, found in source.value if _name(inner))
        elif _name(key):
            yield key.value, value


def _scalars(root: yaml.Node) -> list[yaml.ScalarNode]:
    """Return every scalar once, keys included, in a fixed order."""
    found: dict[int, yaml.Node] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in found:
            found[id(node)] = node
            if isinstance(node, yaml.MappingNode):
                waiting += [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                waiting += node.value
    return [node for node in found.values() if isinstance(node, yaml.ScalarNode)]


def _span(node: yaml.ScalarNode) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index
