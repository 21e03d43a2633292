"""Read what the source says beside the fields of a class: comments, which running code lost."""

import ast
import inspect
import io
import tokenize
from itertools import count


def comments_of(cls: type) -> dict[str, str]:
    """Return the comment of each field or member: the lines right above it, then the one beside."""
    source = inspect.getsource(cls)
    comments = {
        token.start[0]: token
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - getsource of a class gives a class
    for node in body.body:
        if isinstance(node, ast.AnnAssign):
            name = ast.unparse(node.target)
        elif isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
        else:
            continue
        texts: list[str] = []
        for line in count(node.lineno - 1, -1):
            if line not in comments or comments[line].line.strip()[0] != "#":
                break
            texts.insert(0, comments[line].string)
        if node.end_lineno in comments:
            texts.append(comments[node.end_lineno].string)
        if texts:
            found[name] = " ".join(text.lstrip("# ").strip() for text in texts)
    return found
