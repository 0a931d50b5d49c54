"""Deterministic ids: the same cause always gives the same id, so that repeating is harmless.

The namespaces are part of the contract: they never change.
"""

from uuid import UUID, uuid5

_DOCUMENTS = UUID("6f3c3a5e-6a0e-5b7e-9a52-1d8f2b1c7e01")
_EVENTS = UUID("6f3c3a5e-6a0e-5b7e-9a52-1d8f2b1c7e02")
_SUBJECTS = UUID("6f3c3a5e-6a0e-5b7e-9a52-1d8f2b1c7e03")
# No name may contain it, so that ("a", "b|c") and ("a|b", "c") stay apart.
_SEPARATOR = "\x1f"

DEFAULT_REVISION = "1"


def document_id(source: str, erp_document_id: str, revision: str = DEFAULT_REVISION) -> UUID:
    """The document's id for its whole life: UUIDv5 of the source (from the topic, never from the body),
    the ERP's own id of the document and its revision.
    """
    return uuid5(_DOCUMENTS, _SEPARATOR.join((source, erp_document_id, revision)))


def event_id(stage: str, cause: str, index: int = 0) -> UUID:
    """The id of the ``index``-th event that ``stage`` publishes because of ``cause``.

    ``cause`` is the id of the consumed event; for the first stage the document id and the hash of its bytes.
    """
    return uuid5(_EVENTS, _SEPARATOR.join((stage, cause, str(index))))


def subject_id(kind: str, name: str) -> UUID:
    """The subject of an event that is about no document, such as a KSeF context."""
    return uuid5(_SUBJECTS, _SEPARATOR.join((kind, name)))
