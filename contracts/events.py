"""Which event types exist, and the topic each one is published on.

An event's type is its topic's name; a public topic stands once per source, its type without the source.
"""

from typing import Final

from contracts.base import Message
from contracts.results import DocumentResult
from contracts.sales import DocumentAccepted, DocumentAdmitted, DocumentStatus, InvoiceMapped
from contracts.sending import ContextAdvanced, SendingSwitched

ACCEPTED: Final = "sales.document.accepted.v1"
MAPPED: Final = "sales.invoice.mapped.v1"
ADMITTED: Final = "sales.document.admitted.v1"
STATUS: Final = "sales.document.status.v1"
RESULT: Final = "erp.results.v1"
ADVANCED: Final = "sales.context.advanced.v1"
SWITCHED: Final = "sales.sending.switched.v1"

MODELS: Final[dict[str, type[Message]]] = {
    ACCEPTED: DocumentAccepted,
    MAPPED: InvoiceMapped,
    ADMITTED: DocumentAdmitted,
    STATUS: DocumentStatus,
    RESULT: DocumentResult,
    ADVANCED: ContextAdvanced,
    SWITCHED: SendingSwitched,
}

SALES_INPUT_TEMPLATE: Final = "erp.<source>.sales.v1"
RESULTS_TEMPLATE: Final = "erp.<source>.results.v1"
DEAD_LETTER_TEMPLATE: Final = "ksef.<service>.dlq"


def results_topic(source: str) -> str:
    return RESULTS_TEMPLATE.replace("<source>", source)


def sales_topic(source: str) -> str:
    return SALES_INPUT_TEMPLATE.replace("<source>", source)


def dead_letter_topic(service: str) -> str:
    return DEAD_LETTER_TEMPLATE.replace("<service>", service)
