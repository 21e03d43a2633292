"""A YAML file read as it stands, with bounds on what a short file can stand for. No system runs."""

import sys
from pathlib import Path
from typing import Final

import yaml

from evenflow.common.contracts.yaml_text import check_yaml
from evenflow.common.domain.errors import InvalidValue

MOST_CHARACTERS: Final = 8_000_000
_MERGE: Final = "tag:yaml.org,2002:merge"


def read_document(file: str) -> object:
    """Read the one document of a file, or of stdin if it is `-`; an empty file is None.

    Raises:
        InvalidValue: there is no file, it is no YAML, or says a key twice.
    """
    try:
        return _document(_text(file))
    except OSError as error:
        raise InvalidValue("--file", file, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidValue("--file", file, f"is not text: {error.reason}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidValue("--file", file, f"is not YAML{where}: {error.problem}") from error
    except RecursionError as error:
        raise InvalidValue("--file", file, "is not YAML: it is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidValue("--file", file, f"is not YAML: {str(error).splitlines()[0]}") from error


def _text(file: str) -> str:
    if file == "-":
        text = sys.stdin.read(MOST_CHARACTERS + 1)
    else:
        with Path(file).open(encoding="utf-8") as opened:
            text = opened.read(MOST_CHARACTERS + 1)
    if len(text) > MOST_CHARACTERS:
        raise InvalidValue("--file", file, f"is longer than {MOST_CHARACTERS} characters")
    return text


def _document(text: str) -> object:
    loader = yaml.SafeLoader(text)
    try:
        check_yaml(text)
        root = loader.get_single_node()
        if root is None:
            return None
        _check_keys(root)
        document: object = loader.construct_document(root)
    finally:
        loader.dispose()
    return document


def _check_keys(root: yaml.Node) -> None:
    """Refuse what would be lost or would explode; an anchored node is looked at once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            lines: dict[str, int] = {}
            for key, value in node.value:
                if key.tag == _MERGE:
                    # Merged mappings are copied, and copies of copies fill any memory.
                    raise _refused(key, "merge keys (<<) are not read here; an alias (*) is")
                if isinstance(key, yaml.ScalarNode):
                    if key.value in lines:
                        first = lines[key.value]
                        raise _refused(key, f"{key.value[:60]!r} stands on line {first} already")
                    lines[key.value] = key.start_mark.line + 1
                waiting.append(value)


def _refused(node: yaml.Node, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
