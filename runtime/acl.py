"""Who may do what on Kafka: derived from the table of topics and the configured sources.

Invariant: least privilege. A worker or a source gets the exact topics that the table names it for, one
operation each, and its own consumer group; nothing is ever granted on ``*``, and nobody gets rights on the
cluster. An idempotent producer needs none either: since Kafka 3.0 the right to write some topic is enough.

One principal per worker (``ksef-<worker>``), one per source (``erp-<source>``), one for the people who
operate it (``ksef-operator``). The installation's prefix stands before principals as well: the workers of a
rehearsal on the same cluster cannot touch what is production's.
"""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from runtime.topics import Topic, table

OPERATOR = "ksef-operator"
_Where: TypeAlias = "tuple[str, Resource, str, Pattern]"


class Resource(IntEnum):
    """What a right is on. The numbers are those of Kafka's protocol, here and below."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5
    DELEGATION_TOKEN = 6
    USER = 7


class Pattern(IntEnum):
    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """``READ`` and ``WRITE`` include ``DESCRIBE``."""

    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12
    CREATE_TOKENS = 13
    DESCRIBE_TOKENS = 14
    TWO_PHASE_COMMIT = 15

    @property
    def title(self) -> str:
        """As Kafka's documentation and tools write it."""
        return self.name.title().replace("_", "")


class Permission(IntEnum):
    DENY = 2
    ALLOW = 3


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One entry of Kafka's authorizer. ``principal`` is without ``User:``."""

    principal: str
    resource: Resource
    name: str
    pattern: Pattern
    operation: Operation
    permission: Permission = Permission.ALLOW
    host: str = "*"


@dataclass(frozen=True, slots=True)
class Difference:
    """What the cluster lacks, and what it has beyond our wishes for principals that are ours."""

    missing: tuple[Acl, ...]
    unwanted: tuple[Acl, ...]
    denials: tuple[Acl, ...]
    """Somebody locked a principal of ours out on purpose: shown, never removed."""


def worker_principal(worker: str, *, prefix: str) -> str:
    return f"{prefix}ksef-{worker}"


def source_principal(source: str, *, prefix: str) -> str:
    return f"{prefix}erp-{source}"


def wanted(*, sources: Iterable[str], prefix: str, rows: Sequence[Topic] | None = None) -> list[Acl]:
    """The whole list. Workers stand before sources: applied in this order, a source cannot publish before
    everybody downstream may work for it.
    """
    rows = table() if rows is None else rows
    names = sorted(set(sources))
    acls = {
        *_of_parties(rows, names, prefix),
        *_of_groups(rows, names, prefix),
        *_of_operator(rows, prefix),
    }
    of_sources = {source_principal(name, prefix=prefix) for name in names}
    return sorted(acls, key=lambda acl: (acl.principal in of_sources, acl))


def _of_parties(rows: Sequence[Topic], sources: Sequence[str], prefix: str) -> Iterator[Acl]:
    for topic in rows:
        for instance, name in topic.by_instance(sources).items():
            for roles, operation in ((topic.producers, Operation.WRITE), (topic.consumers, Operation.READ)):
                for role in roles:
                    principal = _principal(role, instance, prefix)
                    yield Acl(principal, Resource.TOPIC, prefix + name, Pattern.LITERAL, operation)


def _principal(role: str, instance: str, prefix: str) -> str:
    match role:
        case "erp":
            return source_principal(instance, prefix=prefix)
        case "operator":
            return prefix + OPERATOR
        case "<service>":
            return worker_principal(instance, prefix=prefix)
        case worker:
            return worker_principal(worker, prefix=prefix)


def _of_groups(rows: Sequence[Topic], sources: Sequence[str], prefix: str) -> Iterator[Acl]:
    """A worker has one group; a source may have any number, by its own name."""
    readers = {role for topic in rows for role in topic.consumers}
    for worker in readers - {"erp", "operator"}:
        principals = (worker_principal(worker, prefix=prefix), prefix + OPERATOR)
        for principal in principals:
            group = f"{prefix}ksef.{worker}"
            yield Acl(principal, Resource.GROUP, group, Pattern.LITERAL, Operation.READ)
    for source in sources if "erp" in readers else ():
        principal = source_principal(source, prefix=prefix)
        yield Acl(principal, Resource.GROUP, f"{prefix}erp.{source}.", Pattern.PREFIXED, Operation.READ)


def _of_operator(rows: Sequence[Topic], prefix: str) -> Iterator[Acl]:
    """Creates and mends topics, redrives to any of them, and rewinds groups (which asks for READ)."""
    operations = (
        Operation.READ,
        Operation.WRITE,
        Operation.CREATE,
        Operation.DESCRIBE_CONFIGS,
        Operation.ALTER_CONFIGS,
    )
    for topic in rows:
        head = topic.name.partition("<source>")[0]
        names = [head] if topic.per_source else topic.names(())
        pattern = Pattern.PREFIXED if topic.per_source else Pattern.LITERAL
        for name in names:
            for operation in operations:
                yield Acl(prefix + OPERATOR, Resource.TOPIC, prefix + name, pattern, operation)


def difference(wishes: Iterable[Acl], actual: Iterable[Acl], *, prefix: str) -> Difference:
    """Compare with what the cluster has. Entries of principals that are not ours are not looked at."""
    wishes, there = list(wishes), set(actual)
    principals = {acl.principal for acl in wishes}
    beyond = sorted(acl for acl in there - set(wishes) if _is_ours(acl, principals, prefix))
    return Difference(
        missing=tuple(acl for acl in wishes if acl not in there),
        unwanted=tuple(acl for acl in beyond if acl.permission is Permission.ALLOW),
        denials=tuple(acl for acl in beyond if acl.permission is Permission.DENY),
    )


def _is_ours(acl: Acl, principals: set[str], prefix: str) -> bool:
    """A principal of today; or one that looks like a source or worker of yesterday, on names like ours."""
    if acl.principal in principals:
        return True
    heads = "|".join(sorted({re.escape(topic.name.partition(".")[0]) for topic in table()}))
    yesterday = re.fullmatch(rf"{re.escape(prefix)}(ksef|erp)-[a-z0-9-]+", acl.principal)
    return bool(yesterday and re.match(rf"{re.escape(prefix)}({heads})\.", acl.name))


def grouped(acls: Iterable[Acl]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """For people: principal, operations, kind of resource, names; a ``*`` at the end stands for the rest."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for (principal, resource, name, pattern), titles in _operations(acls).items():
        shown = f"{name}*" if pattern is Pattern.PREFIXED else name
        grouped.setdefault((principal, ", ".join(titles), resource.name.lower()), []).append(shown)
    return [(*what, tuple(names)) for what, names in grouped.items()]


def commands(acls: Iterable[Acl]) -> list[str]:
    """For a shell: lines for Kafka's own ``kafka-acls.sh``, one per principal and resource."""
    return [_command(*where, titles) for where, titles in _operations(acls).items()]


def _operations(acls: Iterable[Acl]) -> dict[_Where, list[str]]:
    operations: dict[_Where, list[str]] = {}
    for acl in acls:
        where = (acl.principal, acl.resource, acl.name, acl.pattern)
        operations.setdefault(where, []).append(acl.operation.title)
    return operations


def _command(principal: str, resource: Resource, name: str, pattern: Pattern, operations: list[str]) -> str:
    words = ["--add", "--allow-principal", f"User:{principal}"]
    for operation in operations:
        words += ["--operation", operation]
    words += [f"--{resource.name.lower()}", name, "--resource-pattern-type", pattern.name.lower()]
    start = 'kafka-acls.sh --bootstrap-server "$BOOTSTRAP_SERVERS" --command-config "$ADMIN_PROPERTIES"'
    return f"{start} {shlex.join(words)}"
