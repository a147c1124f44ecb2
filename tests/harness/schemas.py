"""JSON schemas of what a grade is written as, after each system's documentation, and our own as they are shipped."""

import json

from grading.submission.implementation import ROOT

VISIBILITY = {"enum": ["hidden", "after_due_date", "after_published", "visible"]}
TEXT_FORMAT = {"enum": ["text", "html", "simple_format", "md", "ansi"]}
NUMBER = {"type": "number"}
STRING = {"type": "string"}
GRADESCOPE = {  # https://gradescope-autograders.readthedocs.io/en/latest/specs/
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["score"]}, {"required": ["tests"]}],
    "properties": {
        "score": {"type": "number", "minimum": 0},
        "execution_time": {"type": "integer", "minimum": 0},
        "output": STRING,
        "output_format": TEXT_FORMAT,
        "visibility": VISIBILITY,
        "stdout_visibility": VISIBILITY,
        "extra_data": {"type": "object"},
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "score": NUMBER,
                    "max_score": NUMBER,
                    "status": {"enum": ["passed", "failed"]},
                    "name": STRING,
                    "number": {"type": "string", "pattern": r"^\d+(\.\d+)*$"},
                    "output": STRING,
                    "output_format": TEXT_FORMAT,
                    "visibility": VISIBILITY,
                },
            },
        },
    },
}
COUNT = {"type": "integer", "minimum": 0}
FILLED = {"type": "string", "minLength": 1}
CLASSROOM50 = {  # what Classroom 50's runner takes from ./result.json
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("schema", "classroom", "assignment", "submission", "commit", "release", "review", "datetime"),
        *("score", "max-score", "tests"),
    ],
    "properties": {
        "schema": {"const": "classroom50/result/v1"},
        **{name: FILLED for name in ("classroom", "assignment", "submission", "commit", "release", "review")},
        "datetime": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
        "score": COUNT,
        "max-score": COUNT,
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["test-name", "passed", "score", "max-score"],
                "properties": {"test-name": FILLED, "passed": {"type": "boolean"}, "score": COUNT, "max-score": COUNT},
            },
        },
    },
}
SCHEMAS = ROOT / "grading" / "schemas"
RESULT = json.loads((SCHEMAS / "result.schema.json").read_text(encoding="utf-8"))
GRADEBOOK = json.loads((SCHEMAS / "gradebook.schema.json").read_text(encoding="utf-8"))
