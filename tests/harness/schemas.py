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
CLASSROOM = {  # what classroom-resources/autograding-grading-reporter decodes
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "status", "max_score", "tests"],
    "properties": {
        "version": {"const": 1},
        "status": {"enum": ["pass", "fail", "error"]},
        "max_score": NUMBER,
        "tests": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "status", "score", "message"],
                "properties": {
                    "name": STRING,
                    "status": {"enum": ["pass", "fail", "error"]},
                    "score": NUMBER,
                    "message": STRING,
                    "test_code": STRING,
                    "filename": STRING,
                    "line_no": {"type": "integer"},
                    "duration": NUMBER,
                },
            },
        },
    },
}
SCHEMAS = ROOT / "grading" / "schemas"
RESULT = json.loads((SCHEMAS / "result.schema.json").read_text(encoding="utf-8"))
GRADEBOOK = json.loads((SCHEMAS / "gradebook.schema.json").read_text(encoding="utf-8"))
