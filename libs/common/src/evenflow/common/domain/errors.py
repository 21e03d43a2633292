"""The one tree of errors. Each writes its own message: what, which one, what to do now."""


class EvenflowError(Exception):
    """Anything Evenflow raises on purpose."""


class RequestRejected(EvenflowError):
    """A rule is broken and trying again changes nothing. At the edge: a 4xx problem."""

    status = 400
    code = "rejected"

    def __init__(
        self, message: str, *, field: str = "", value: object = None, rule: str = ""
    ) -> None:
        """Name the rule that was broken; `field` and `value` say where, when there is a place."""
        super().__init__(message)
        self.field = field
        self.value = value
        self.rule = rule or message


class InvalidValue(RequestRejected):
    """A value is outside what its field allows."""

    status = 422
    code = "invalid_value"

    def __init__(self, field: str, value: object, rule: str) -> None:
        """Say which field, which value, which rule."""
        super().__init__(f"{field}: {value!r} {rule}", field=field, value=value, rule=rule)


class NotFound(RequestRejected):
    """The named thing does not exist."""

    status = 404
    code = "not_found"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        """`hint` says what to do now."""
        super().__init__(
            f"no {kind} {name!r}" + (f": {hint}" if hint else ""), field=kind, value=name
        )
        self.kind = kind


class Conflict(RequestRejected):
    """The thing is not in a state that allows this."""

    status = 409
    code = "conflict"


class RevisionConflict(EvenflowError):
    """The world moved since it was read, and the broker refused the fact: read and decide anew."""


class TemporarilyUnavailable(EvenflowError):
    """A broker, store or cluster is slow or gone; try again after `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: float = 1.0) -> None:
        """`message` names what is unavailable."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class LogFull(TemporarilyUnavailable):
    """The stream refuses new facts because its storage is full; what it has accepted is safe."""


class NotProvisioned(TemporarilyUnavailable):
    """The broker has no streams for this shard yet, or those of another release or server."""


class UnreadableMessage(EvenflowError):
    """A message breaks its contract."""

    def __init__(self, subject: str, reason: str) -> None:
        """Name the subject and what is wrong."""
        super().__init__(f"unreadable message on {subject}: {reason}")
        self.subject = subject
        self.reason = reason


class UnknownKind(UnreadableMessage):
    """A fact that may not be passed over is of a kind which only a newer release knows."""

    def __init__(self, subject: str, release: str) -> None:
        """`release` is that of who wrote it."""
        needed = f"release {release} or newer" if release else "a newer release"
        super().__init__(subject, f"this kind of fact is not known here: update to {needed}")
        self.release = release


class LogMismatch(EvenflowError):
    """A cursor does not belong to this log, or the log no longer holds what comes after it."""


class LogGap(LogMismatch):
    """Messages are gone from within the log, or from its end."""

    def __init__(self, first: int, last: int) -> None:
        """`first` to `last` are not there."""
        super().__init__(f"sequences {first} to {last} are gone from the log")
        self.first = first
        self.last = last


class LogCut(LogMismatch):
    """The log ends before, or is another one at, the place up to which something has folded it."""


class UnsupportedServer(EvenflowError):
    """The broker or store is too old, or ignores something that safety rests on."""


class AccessDenied(EvenflowError):
    """A broker, store or cluster does not accept our credentials; trying again changes nothing."""


class UnknownRun(EvenflowError):
    """No run of that token is known here."""


class BrokenInvariant(EvenflowError):
    """A bug: what cannot happen happened. The service stops folding; `story` tells how it came."""

    def __init__(self, message: str, *story: str) -> None:
        """`story` are the last things known about what broke."""
        super().__init__("; ".join((message, *story)))
        self.story = story
