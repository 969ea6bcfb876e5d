"""A checker for the schemas of assets/schemas (type, const, enum, required, properties, items), and what the sources
say about the lines they print. Used by tests/integration/test_contract.sh and test_schemas.sh."""
import json
import os
import re

TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


def types_of(schema):
    if "enum" in schema:
        return sorted({next(t for t in TYPES if TYPES[t](v)) for v in schema["enum"]})
    t = schema.get("type", [])
    return [t] if isinstance(t, str) else t


def violations(schema, value, where):
    if "const" in schema and value != schema["const"]:
        return [f"{where} is {value!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r}"]
    if "type" in schema and not any(TYPES[t](value) for t in types_of(schema)):
        return [f"{where} is {value!r}"]
    found = []
    if isinstance(value, dict):
        found += [f"{where} lacks {k}" for k in schema.get("required", []) if k not in value]
        for key, inner in schema.get("properties", {}).items():
            if key in value:
                found += violations(inner, value[key], f"{where}.{key}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += violations(schema["items"], item, f"{where}[{i}]")
    return found


class Schemas:
    def __init__(self, source):
        self.by_name = {}
        folder = os.path.join(source, "assets", "schemas")
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".schema.json"):
                raise SystemExit(f"{name} is no schema")
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                self.by_name[name[: -len(".schema.json")]] = json.load(f)

    def check(self, name, value, where):
        """Violations, and members that the schema does not know."""
        if name not in self.by_name:
            return [f"{where}: there is no {name}.schema.json"]
        schema = self.by_name[name]
        unknown = sorted(set(value) - set(schema["properties"]))
        return violations(schema, value, where) + [f"{where}: {k} is in no schema" for k in unknown]


LINE = re.compile(
    r"line_(?P<kind>new|error|text|num|int|bool|raw)\((?P<args>[^;]*?)\);|(?P<end>\b(?:flow_emit|line_finish|append)\()", re.S
)
SETTERS = {"text": "string", "num": "number", "int": "integer", "bool": "boolean", "raw": None}


SUMMARY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "src", "protocol", "summary.c")


def error_keys():
    """What line_error() puts into the event that it begins."""
    with open(SUMMARY, encoding="utf-8") as f:
        body = f.read().split("struct line *line_error(", 1)[1].split("return l;", 1)[0]
    return {key: {("string", False)} for key in re.findall(r'line_text\(l, "([a-z]+)"', body)}


def lines_of(path):
    """[(names, {key: types})] of each line that a source builds; names are the literal events, none if computed."""
    with open(path, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    built, names, keys = [], None, {}

    def close():
        if names is not None:
            built.append((names, keys))

    for m in LINE.finditer(text):
        if m.group("end"):
            close()
            names = None
        elif m.group("kind") == "new":
            close()
            names, keys = re.findall(r'"([a-z_]+)"', m.group("args")), {}
        elif m.group("kind") == "error":
            close()
            names, keys = ["error"], error_keys()
        elif names is not None:
            key = re.match(r'\s*\w+,\s*"([a-z0-9_]+)"', m.group("args"))
            if key:
                value = m.group("args")[key.end() :].strip(", \n")
                nullable = m.group("kind") == "num" or (m.group("kind") == "text" and "NULL" in value)
                kind = None if value == "NULL" else SETTERS[m.group("kind")]
                keys.setdefault(key.group(1), set()).add((kind, nullable))
    close()
    return built
