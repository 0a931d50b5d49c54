"""Whether a document is valid against the official schema (K04), as libxml2 judges it.

Invariant: the schema is compiled once for each thread and never shared: concurrent validations would mix
their error logs. Nothing is fetched: what a schema imports is found by its base name among the official
files that come with the package ``ksef-client``.
"""

import importlib.util
import re
import threading
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from lxml import etree

from contracts.wording import Wording
from fa3.document import Document
from fa3.schema_types import FORM_OF_PATTERN, FORM_OF_TYPE
from fa3.versions import VERSIONS, Version
from fa3.violations import Rule, Violation

MOST_VIOLATIONS: Final = 20
"""More are not looked at: whoever has twenty to mend checks again afterwards."""


def violations_of(document: Document) -> tuple[Violation, ...]:
    """What libxml2 refuses, the first violation of each element; nothing if the document is valid.

    About 4 µs for each line of a valid document. Behind a structural violation libxml2 looks no further
    into the element; ``fa3.second_opinion`` does.
    """
    schema = compiled(document.version)
    if schema.validate(document.root):
        return ()
    log: Any = schema.error_log
    first: dict[Any, Violation] = {}
    for error in log:
        violation = _violation(error, document.root)
        first.setdefault(violation.element, violation)
        if len(first) == MOST_VIOLATIONS:
            break
    return tuple(first.values())


def compiled(version: Version) -> "etree.XMLSchema":
    """This thread's schema; the first call in a thread compiles it (7 ms)."""
    schemas: dict[Version, etree.XMLSchema] = _threads.__dict__.setdefault("schemas", {})
    if version not in schemas:
        schemas[version] = _compile(version)
    return schemas[version]


def _compile(version: Version) -> "etree.XMLSchema":
    # libxml2 has one loader of further files for the whole process. lxml sets its own around each call and
    # puts the former back afterwards, so a parse that ends in another thread takes it away under our hands:
    # the imports are not found, the schema does not compile, and trying again is all there is to do.
    attempts = 0
    while True:
        parser = etree.XMLParser(no_network=True, resolve_entities=False)
        parser.resolvers.add(_ByBaseName())
        try:
            with _one_at_a_time:
                return etree.XMLSchema(etree.parse(str(schema_path(version)), parser))
        except etree.XMLSchemaParseError:
            attempts += 1
            if attempts == _MOST_ATTEMPTS:
                raise


def warm_up() -> None:
    """Compile every schema for this thread, so that the first document does not wait for it."""
    for version in VERSIONS.values():
        compiled(version)


def schema_path(version: Version) -> Path:
    """The main schema file of a version."""
    return _directory() / version.schema_file


_threads = threading.local()
_one_at_a_time = threading.Lock()
_MOST_ATTEMPTS: Final = 100


@cache
def _directory() -> Path:
    # Not through importlib.resources: that imports ksef_client, and with it an HTTP client.
    package = importlib.util.find_spec("ksef_client")
    if package is None or not package.submodule_search_locations:
        raise RuntimeError("the package ksef-client, which holds the official schemas, is not installed")
    return Path(package.submodule_search_locations[0]) / "documents" / "fa3" / "schemas"


class _ByBaseName(etree.Resolver):
    """Answers every address with the file of that base name beside the main schema."""

    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        path = _directory() / Path(system_url).name
        if not path.is_file():
            raise FileNotFoundError(f"the official schemas have no file {path.name}")
        return self.resolve_filename(str(path), context)  # type: ignore[attr-defined]  # missing in lxml-stubs


_RULES: Final[dict[str, Rule | Literal["fixed"]]] = {
    "SCHEMAV_CVC_ENUMERATION_VALID": "enumeration",
    "SCHEMAV_CVC_PATTERN_VALID": "form",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_1": "form",
    "SCHEMAV_CVC_DATATYPE_VALID_1_2_3": "form",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "too_long",
    "SCHEMAV_CVC_MINLENGTH_VALID": "too_short",
    "SCHEMAV_CVC_MININCLUSIVE_VALID": "too_small",
    "SCHEMAV_CVC_MINEXCLUSIVE_VALID": "too_small",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "too_large",
    "SCHEMAV_CVC_MAXEXCLUSIVE_VALID": "too_large",
    "SCHEMAV_CVC_TOTALDIGITS_VALID": "digits",
    "SCHEMAV_CVC_FRACTIONDIGITS_VALID": "digits",
    "SCHEMAV_CVC_ELT_5_2_2_2_2": "fixed",
    "SCHEMAV_ELEMENT_CONTENT": "unexpected",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text_inside",
    "SCHEMAV_CVC_TYPE_3_1_2": "elements_inside",
    "SCHEMAV_CVC_AU": "attribute",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute",
}

_namespace = re.compile(r"\{[^{}' ]*\}")
_set = re.compile(r"element of the set \{(.*)\}", re.DOTALL).search
_expected = re.compile(r"Expected is (?:one of )?\( (.*?) \)").search
_limit = re.compile(r"(?:allowed \(|length of )'([^']*)'\)?\.$").search
_pattern = re.compile(r"accepted by the pattern '(.*)'\.$", re.DOTALL).search
_fixed = re.compile(r"fixed value constraint '(.*)'\.$").search
_type = re.compile(r"type '(?:\{[^{}]*\}|xs:)?([^']*)'\.$").search
_subject = re.compile(r"^Element '[^']*'(?:, attribute '[^']*')?: ").sub


def _violation(error: Any, root: "etree._Element") -> Violation:
    element = _element_at(error.path, root)
    message = error.message
    rule = _RULES.get(error.type_name, "other")
    match rule:
        case "enumeration":
            found = _set(message)
            return Violation(
                element, rule, allowed=tuple(re.findall(r"'([^']*)'", found[1])) if found else ()
            )
        case "unexpected":
            found = _expected(_namespace.sub("", message))
            rule = "incomplete" if "Missing child" in message else rule
            return Violation(element, rule, allowed=tuple(found[1].split(", ")) if found else ())
        case "form":
            return Violation(element, rule, form=_form(message))
        case "fixed":
            found = _fixed(message)
            return Violation(element, "enumeration", allowed=(found[1],) if found else ())
        case "too_long" | "too_short" | "too_small" | "too_large":
            found = _limit(message)
            return Violation(element, rule, detail=found[1] if found else "")
        case _:
            return Violation(element, rule, detail=_plain(message))


def _form(message: str) -> Wording | None:
    if pattern := _pattern(message):
        return FORM_OF_PATTERN.get(pattern[1])
    named = _type(message)
    return FORM_OF_TYPE.get(named[1]) if named else None


def _plain(message: str) -> str:
    return _namespace.sub("", _subject("", message)).rstrip(".")


def _element_at(path: str, root: "etree._Element") -> "etree._Element":
    """The element that libxml2 means by ``/*/*[4]/x:P_9``; the root if it cannot be told."""
    prefixes = {
        prefix: uri for one in root.iter(etree.Element) for prefix, uri in one.nsmap.items() if prefix
    }
    try:
        found: Any = root.getroottree().xpath(path, namespaces=prefixes)
    except etree.XPathError:
        return root
    return found[0] if found else root
