"""JUnit XML, in the form that pytest writes: a test case for each test, and one for the samples of each sampler."""

from __future__ import annotations

from xml.etree import ElementTree

from grading.grade.result import CaseResult, Result, TaskResult
from grading.reports.parts import parts
from grading.reports.sanitize import one_line, plain


def junit(result: Result) -> str:
    """The result as JUnit XML."""
    cases = [_case(task, case) for task in result.tasks for case in task.cases]
    for part in parts(result):
        if part.module and part.status == "locked":
            cases.append(_element(f"kata.{part.module}", f"{part.id} {part.name}", part.seconds, "skipped", "not run"))
        elif not part.module:
            kind = "" if part.passed else "failure"
            cases.append(_element("kata.samples", f"{part.id} {part.name}", part.seconds, kind, part.message))
    failures, skipped = (sum(case.find(kind) is not None for case in cases) for kind in ("failure", "skipped"))
    counts = {"tests": len(cases), "failures": failures, "errors": 0, "skipped": skipped}
    seconds = f"{sum(float(case.attrib['time']) for case in cases):.3f}"
    attributes = {key: str(value) for key, value in counts.items()} | {"time": seconds}
    suites = ElementTree.Element("testsuites", attributes)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": "diffusion-kata"} | attributes)
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in (("points", result.points), ("max_points", result.max_points), ("impl", result.impl)):
        ElementTree.SubElement(properties, "property", {"name": name, "value": one_line(str(value))})
    suite.extend(cases)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _case(task: TaskResult, case: CaseResult) -> ElementTree.Element:
    kind = {"failed": "failure", "skipped": "skipped"}.get(case.status, "")
    return _element(f"kata.{task.module}", f"{task.id} {case.name}", case.seconds, kind, case.message)


def _element(group: str, name: str, seconds: float, kind: str, message: str) -> ElementTree.Element:
    attributes = {"classname": one_line(group), "name": one_line(name), "time": f"{seconds:.3f}"}
    element = ElementTree.Element("testcase", attributes)
    if kind:
        ElementTree.SubElement(element, kind, {"message": one_line(message)}).text = plain(message)
    return element
