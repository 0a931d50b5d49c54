"""Errors of the kit, by who must act. What then happens is ``runtime.failures``' one table.

CourierError
├── Transient            wait and try again: the database or the broker is away
│   └── Refused          Kafka turns us away; it works once a person has put that right
├── OperatorNeeded       a person must change something; the text says what
├── ConfigurationError   the process cannot start, or go on, like this
├── LeaseLost            somebody else owns the work now: stop, write nothing
├── InDoubt              this process cannot know where it stands: it ends, the next one reads again
│   ├── ProducerStuck    what of a batch is on the topic
│   ├── ConsumerBroken   what was fetched and not given to us
│   ├── NoProgress       why nothing moves although it could
│   └── TooManyDeadLetters   whether the records or this version are wrong
├── RecordTooLarge       one record's own: above its topic's limit
└── TooSlow              a batch's, or one record's: not decided in time
"""


class CourierError(Exception):
    """Root of our own errors."""


class Transient(CourierError):
    """The outside is away; the same call may work later."""


class Refused(Transient):
    """Kafka is there and does not let us. The text says what a person should do; then it works by itself."""


class OperatorNeeded(CourierError):
    """Nothing will get better by waiting."""


class ConfigurationError(CourierError):
    """Settings, schema or topics are not what this version needs."""


class LeaseLost(CourierError):
    """The lease was taken over or ran out. Whatever was not recorded yet is the next owner's to find out."""


class InDoubt(CourierError):
    """This process cannot know where it stands. It settles nothing more and ends; nothing is lost by that."""


class ProducerStuck(InDoubt):
    """The broker refused, or did not confirm in time; what of it is on the topic is unknown."""


class ConsumerBroken(InDoubt):
    """The Kafka client cannot go on; a new process reads again from the committed offsets."""


class NoProgress(InDoubt):
    """Kafka answers and has work for us, and nothing moves."""


class TooManyDeadLetters(InDoubt):
    """So many in a row that the worker, not the records, must be wrong."""


class RecordTooLarge(CourierError):
    """A record above its topic's ``max_message_bytes``. Nothing was published."""


class TooSlow(CourierError):
    """The handler did not decide within its time."""
