"""What a student's file has without a line of the student's: the checks of arguments that the stub gives."""

import ast
import copy
import re
import textwrap

from grading.submission.signatures import definitions, parameters
from grading.submission.stubs import is_check


def given_checks(module: str, source: str) -> str:
    """The checks of arguments that a stub gives, around the functions of a cell, which begins below them."""
    around = []
    for name, node in definitions(module).items():
        checks = [statement for statement in node.body[1:] if is_check(statement)]
        if checks and re.search(rf"\b{name}\b", source):
            call = ", ".join(parameters(name))
            inner = [ast.unparse(check) for check in checks] + [f"return _begun_{name}({call})"]
            body = "\n".join(textwrap.indent(line, "    ") for line in inner)
            plain = copy.deepcopy(node.args)
            for argument in plain.args:
                argument.annotation = None  # a cell need not import the types
            around.append(f"\n\n_begun_{name} = {name}\n\n\ndef {name}({ast.unparse(plain)}):\n{body}\n")
    return "".join(around)
