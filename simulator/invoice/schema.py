"""The official FA(3) schema, compiled once per thread.

The schema files are package data of `ksef-client`; nothing else of that package is used. Sharing one compiled
schema between threads mixes up their error lists (measured on lxml 6), hence one each.
"""

import re
import threading
from importlib import resources

from lxml import etree

FA3_NAMESPACE = "http://crd.gov.pl/wzor/2025/06/25/13775/"
FA3_SCHEMA_FILE = "schemat_FA(3)_v1-0E.xsd"
"""As the package data spells it; receipts spell it with a capital S."""

_REPORTED = 10
_NAMESPACE = re.compile(r"\{[^}]*\}")
_compiled = threading.local()


class _ByBaseName(etree.Resolver):
    """Imports name web addresses; the files lie together, so their base name finds them offline."""

    def resolve(self, system_url: str, public_id: str, context: object = None) -> object:
        return self.resolve_string(_schema_bytes(system_url.rsplit("/", 1)[-1]), context, base_url=system_url)


def schema_violations(document: etree._Element) -> tuple[str, ...]:
    """What breaks the schema, at most ten findings; empty for a valid document."""
    schema = _schema()
    if schema.validate(document):
        return ()
    entries = list(schema.error_log)  # type: ignore[call-overload]  # lxml-stubs leave out that it iterates
    return tuple(_NAMESPACE.sub("", entry.message) for entry in entries[:_REPORTED])


def _schema() -> etree.XMLSchema:
    schema: etree.XMLSchema | None = getattr(_compiled, "schema", None)
    if schema is None:
        parser = etree.XMLParser(no_network=True)
        parser.resolvers.add(_ByBaseName())
        schema = etree.XMLSchema(etree.fromstring(_schema_bytes(FA3_SCHEMA_FILE), parser))
        _compiled.schema = schema
    return schema


def _schema_bytes(name: str) -> bytes:
    return (resources.files("ksef_client") / "documents" / "fa3" / "schemas" / name).read_bytes()
