"""Reading what a task writes, piece by piece, from wherever one is."""

from base64 import b64decode
from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Any, Final

from evenflow.client.requests.call import Call
from evenflow.client.requests.jobs import logs

_PAUSE_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class OutputPiece:
    """Some output: its bytes, its text, and whether anything can come after it.

    Texts of pieces fit together: a letter cut in two comes whole with the second piece.
    """

    data: bytes
    text: str
    is_final: bool
    is_full: bool  # more is waiting already


class LogTail:
    """A place in the output of one task."""

    def __init__(self, job_id: str, stream: str, task: int, attempt: int | None = None) -> None:
        """Begin at the beginning; `attempt` None means the last one."""
        self._job_id = job_id
        self._stream = stream
        self._task = task
        self._attempt = attempt
        self._offset = 0
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def call(self) -> Call[dict[str, Any]]:
        """Return the request for what comes next."""
        return logs(self._job_id, self._stream, self._task, self._offset, self._attempt)

    def accept(self, answer: dict[str, Any]) -> OutputPiece:
        """Read an answer and go on behind it."""
        data = b64decode(answer["data"])
        self._offset = int(answer["next_offset"])
        is_final = bool(answer["is_final"])
        return OutputPiece(data, self._decoder.decode(data, is_final), is_final, bool(data))

    @staticmethod
    def goes_on(piece: OutputPiece, *, follow: bool) -> bool:
        """Whether to ask again after this piece."""
        return not piece.is_final and (follow or piece.is_full)

    @staticmethod
    def pause_seconds(piece: OutputPiece) -> float:
        """Return how long to wait before asking again."""
        return 0.0 if piece.is_full else _PAUSE_SECONDS
