"""The body of a fleet as a document: JSON or YAML, queues by a list or by their paths."""

import json
from typing import Any, Final

import yaml

from evenflow.common.contracts.strict_json import read_strict_json
from evenflow.common.contracts.yaml_text import read_yaml
from evenflow.common.domain.errors import InvalidValue
from evenflow.gateway.edge.problems import MalformedBody

_MAX_NODES: Final = 50_000  # values that a body of YAML may stand for; JSON takes larger fleets


def parse_document(body: bytes, *, is_yaml: bool) -> dict[str, Any]:
    """Read a fleet; queues may be a list, or a mapping of paths to definitions.

    Raises:
        MalformedBody: it is not YAML, or not JSON.
        InvalidValue: it is no mapping with queues.
    """
    try:
        document = read_yaml(body, max_nodes=_MAX_NODES) if is_yaml else read_strict_json(body)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        kind = "YAML" if is_yaml else "JSON"
        raise MalformedBody(f"the body is not {kind}: {' '.join(str(error).split())[:300]}") from (
            error
        )
    if not isinstance(document, dict):
        raise InvalidValue("body", type(document).__name__, "must be a mapping with `queues`")
    queues = document.get("queues") or []
    if isinstance(queues, dict):
        queues = [
            {"path": str(path), **(queue if isinstance(queue, dict) else {})}
            for path, queue in queues.items()
        ]
    if not isinstance(queues, list) or not all(isinstance(queue, dict) for queue in queues):
        raise InvalidValue(
            "queues", type(queues).__name__, "must be a list, or map paths to fields"
        )
    try:
        json.dumps(queues, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidValue("queues", None, f"holds what JSON has not: {error}") from error
    return {**{str(key): value for key, value in document.items()}, "queues": queues}
