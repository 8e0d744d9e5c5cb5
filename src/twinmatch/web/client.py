"""A client in Python made from the OpenAPI document: one file, the standard library alone."""

from __future__ import annotations

import re
from typing import Any

_HEAD = '''"""A client of twinmatch {version}, made from its OpenAPI document. Standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any


class TwinmatchProblem(Exception):
    """What the service said was wrong: ``document`` is the problem document (RFC 9457)."""

    def __init__(self, document: dict[str, Any]) -> None:
        super().__init__(document.get("detail", ""))
        self.document = document


class Client:
    """The service at an address; ``key`` is sent where one is given."""

    def __init__(self, address: str = "http://127.0.0.1:8080", key: str = "") -> None:
        self.address, self.key = address.rstrip("/"), key

    def _call(self, method: str, path: str, query: dict[str, Any], body: Any = None) -> Any:
        given = {{k: str(v).lower() if isinstance(v, bool) else v for k, v in query.items() if v is not None}}
        address = self.address + path + ("?" + urllib.parse.urlencode(given) if given else "")
        headers = {{"Accept": "application/json, */*;q=0.5"}}
        if self.key:
            headers["Authorization"] = f"Bearer {{self.key}}"
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(address, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                content, kind = answer.read(), answer.headers.get_content_type()
        except urllib.error.HTTPError as error:
            with error:
                raise TwinmatchProblem(json.loads(error.read())) from None
        return json.loads(content) if kind.endswith("json") else content
'''


def written(document: dict[str, Any]) -> str:
    """Return the client's source for an OpenAPI document: one method an operation."""
    methods = [
        _method(path, method, operation)
        for path, item in sorted(document["paths"].items())
        for method, operation in item.items()
        if not path.startswith("/workbench") and "event-stream" not in str(operation["responses"])
    ]
    return _HEAD.format(version=document["info"]["version"]) + "".join(methods)


def _method(path: str, method: str, operation: dict[str, Any]) -> str:
    given = operation.get("parameters", [])
    places = [p["name"] for p in given if p["in"] == "path"]
    query = [p["name"] for p in given if p["in"] == "query"]
    has_body = "requestBody" in operation
    signature = ["self", *(f"{name}: str" for name in places)]
    signature += ["body: dict[str, Any]"] if has_body else []
    signature += ["*", *(f"{name}: Any = None" for name in query)] if query else []
    name = operation["operationId"]
    says = operation.get("description", operation.get("summary", "")).splitlines()[0]
    target = re.sub(r"{(\w+)}", r"{urllib.parse.quote(\1, safe='')}", path)
    passed = ", ".join(f'"{q}": {q}' for q in query)
    return (
        f"\n    def {name}({', '.join(signature)}) -> Any:\n"
        f'        """{says}"""\n'
        f'        return self._call("{method.upper()}", {"f" if places else ""}"{target}", '
        f"{{{passed}}}{', body' if has_body else ''})\n"
    )
