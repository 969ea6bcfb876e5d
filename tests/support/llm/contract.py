"""What a request to a model must look like: for Gemini by Google's own protos, for the other dialect by its documentation.

Each check returns what is wrong as a list of sentences in the provider's own words; an empty list is a good request.
"""
import json
import os
import re

PROTOS = "node_modules/@google-ai/generativelanguage/build/protos/protos.json"
# Newer than the protos of 4.1.0; both are in the types of @google/genai 3.1.0.
NEWER = {"ThinkingConfig": ("thinkingLevel",), "GenerationConfig": ("responseFormat",)}
LEVELS = ("THINKING_LEVEL_UNSPECIFIED", "LOW", "MEDIUM", "HIGH")  # MINIMAL is refused by the default model
FREE = ("google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue")
STRINGS = ("string", "bytes")
NUMBERS = ("int32", "uint32", "int64", "uint64", "sint32", "sint64", "fixed32", "fixed64", "float", "double")
# What every provider that we speak to takes of JSON Schema.
SCHEMA_WORDS = ("type", "properties", "required", "items", "enum", "description", "minimum", "maximum", "minItems",
                "maxItems", "propertyOrdering")
# Not wanted by Gemini 3.x, and to be refused by what comes after it.
UNWANTED = ("temperature", "topP", "topK", "top_p", "top_k", "candidateCount")


def camel(name):
    return re.sub(r"_([a-z])", lambda m: m.group(1).upper(), name)


class Protos:
    """The messages of one package, by the names that they use of each other."""

    def __init__(self, path, package="google.ai.generativelanguage.v1beta"):
        with open(path) as f:
            self.root = json.load(f)
        self.package = package.split(".")

    def at(self, path):
        node = self.root
        for name in path:
            node = node.get("nested", {}).get(name)
            if node is None:
                return None
        return node

    def find(self, name, scope):
        """The nearest of that name, seen from the message that uses it."""
        wanted = name.lstrip(".").split(".")
        for depth in range(len(scope), -1, -1):
            node = self.at(scope[:depth] + wanted)
            if node is not None:
                return node, scope[:depth] + wanted
        raise KeyError(name)

    def errors(self, message, body):
        found = []
        node, path = self.find(message, self.package)
        self.walk(node, path, body, "", found)
        return found

    def walk(self, node, path, body, at, found):
        if not isinstance(body, dict):
            found.append("Invalid value at '%s' (%s), expected an object" % (at, path[-1]))
            return
        fields = {camel(name): field for name, field in node["fields"].items()}
        for name, value in body.items():
            here = at + "." + name if at else name
            field = fields.get(name) or fields.get(camel(name))
            if field is None:
                if camel(name) not in NEWER.get(path[-1], ()):
                    found.append('Unknown name "%s" at \'%s\': Cannot find field.' % (name, at))
                continue
            if field.get("keyType"):
                for key, one in value.items():
                    self.one(field, path, one, "%s[%s]" % (here, key), found)
            elif field.get("rule") == "repeated":
                if not isinstance(value, list):
                    found.append("Proto field is repeated, expected an array: '%s'" % here)
                    continue
                for i, one in enumerate(value):
                    self.one(field, path, one, "%s[%d]" % (here, i), found)
            elif isinstance(value, list) and field["type"] not in FREE:
                found.append("Proto field is not repeating, cannot start list: '%s'" % here)
            else:
                self.one(field, path, value, here, found)
        self.one_of(node, body, at, found)

    @staticmethod
    def one_of(node, body, at, found):
        for name, group in node.get("oneofs", {}).items():
            given = [x for x in body if camel(x) in [camel(y) for y in group["oneof"]]]
            if not name.startswith("_") and len(given) > 1:
                found.append("Invalid value at '%s': oneof field '%s' is already set, cannot set '%s'" % (at, name, given[1]))

    def one(self, field, path, value, at, found):
        kind = field["type"]
        if kind in FREE:
            return
        if kind in STRINGS or kind in NUMBERS or kind == "bool":
            good = (isinstance(value, str) if kind in STRINGS else isinstance(value, bool) if kind == "bool" else
                    (isinstance(value, (int, float)) and not isinstance(value, bool)) or
                    (isinstance(value, str) and re.fullmatch(r"-?\d+", value)))
            if good and kind.startswith(("int", "uint")) and float(value) != int(float(value)):
                good = False
            if not good:
                found.append("Invalid value at '%s' (TYPE_%s), %s" % (at, kind.upper(), json.dumps(value)))
            return
        node, where = self.find(kind, path)
        if "values" in node:
            if value not in node["values"]:
                found.append("Invalid value at '%s' (%s), %s" % (at, kind, json.dumps(value)))
        else:
            self.walk(node, where, value, at, found)


def schema_errors(schema, at="schema", depth=0):
    found = []
    if not isinstance(schema, dict):
        return ["%s is no object" % at]
    for word in schema:
        if word not in SCHEMA_WORDS:
            found.append("%s: the keyword %s is not taken everywhere" % (at, word))
    kind = schema.get("type")
    if kind not in ("object", "array", "string", "number", "integer", "boolean"):
        found.append("%s: type is %s" % (at, json.dumps(kind)))
    names = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in names:
            found.append("%s requires %s, which it does not have" % (at, name))
    for name, inner in names.items():
        found += schema_errors(inner, "%s.%s" % (at, name), depth + 1)
    if kind == "array":
        found += schema_errors(schema.get("items"), at + "[]", depth + 1)
    if depth > 8:
        found.append("%s lies too deep" % at)
    return found


def unwanted(body, at=""):
    found = ["%s is not to be sent" % name for name in body if name in UNWANTED]
    return found + [x for name in ("generationConfig",) if isinstance(body.get(name), dict) for x in unwanted(body[name])]


class Gemini:
    def __init__(self, folder):
        self.protos = Protos(os.path.join(folder, PROTOS))

    def errors(self, body):
        found = self.protos.errors("GenerateContentRequest", body)
        if found:
            return found
        if not body.get("contents"):
            return ["* GenerateContentRequest.contents: contents is not specified"]
        roles = [c.get("role") for c in body["contents"]]
        if roles != ["user", "model"] * (len(roles) // 2) + ["user"]:
            found.append("the roles are %s" % roles)
        for content in body["contents"]:
            if not content.get("parts") or any(not p.get("text") for p in content["parts"]):
                found.append("a part without text")
        config = body.get("generationConfig", {})
        thinking = config.get("thinkingConfig", {})
        if "thinkingLevel" in thinking and thinking["thinkingLevel"] not in LEVELS:
            found.append("Invalid value at 'generation_config.thinking_config.thinking_level', %s" % thinking["thinkingLevel"])
        if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
            found.append("You can only set one of thinking budget and thinking level.")
        if "responseSchema" in config and "responseJsonSchema" in config:
            found.append("response_schema and response_json_schema must not both be set")
        if "responseJsonSchema" in config:
            if config.get("responseMimeType") != "application/json":
                found.append("response_json_schema needs response_mime_type application/json")
            found += schema_errors(config["responseJsonSchema"])
        return found + unwanted(body)


# name -> (type, required): https://platform.openai.com/docs/api-reference/chat/create, and nothing that a local server
# would not know.
CHAT = {"model": (str, True), "messages": (list, True), "stream": (bool, False), "stream_options": (dict, False),
        "max_tokens": (int, False), "max_completion_tokens": (int, False), "response_format": (dict, False)}


def openai_errors(body):
    if not isinstance(body, dict):
        return ["the body is no object"]
    found = []
    for name, value in body.items():
        if name not in CHAT:
            found.append("Unrecognized request argument supplied: %s" % name)
        elif not isinstance(value, CHAT[name][0]) or (CHAT[name][0] is int and isinstance(value, bool)):
            found.append("Invalid type for '%s': %s" % (name, json.dumps(value)[:80]))
    found += ["Missing required parameter: '%s'" % name for name, (_, need) in CHAT.items() if need and name not in body]
    if found:
        return found
    roles = []
    for i, message in enumerate(body["messages"]):
        if set(message) != {"role", "content"} or not isinstance(message["content"], str) or not message["content"]:
            found.append("Invalid 'messages[%d]': %s" % (i, sorted(message)))
        roles.append(message.get("role"))
    if not re.fullmatch(r"(system )?user( assistant user)*", " ".join(map(str, roles))):
        found.append("the roles are %s" % roles)
    if "stream_options" in body:
        if not body.get("stream"):
            found.append("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
        if set(body["stream_options"]) - {"include_usage"}:
            found.append("Unknown parameter in 'stream_options': %s" % sorted(body["stream_options"]))
    shape = body.get("response_format")
    if shape is not None:
        found += format_errors(shape)
    return found + unwanted(body)


def format_errors(shape):
    if shape.get("type") in ("json_object", "text"):
        return ["Unknown parameter: response_format.%s" % x for x in shape if x != "type"]
    inner = shape.get("json_schema")
    if shape.get("type") != "json_schema" or not isinstance(inner, dict) or set(shape) != {"type", "json_schema"}:
        return ["Invalid response_format: %s" % sorted(shape)]
    found = ["Unknown parameter: response_format.json_schema.%s" % x for x in inner
             if x not in ("name", "description", "schema", "strict")]
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(inner.get("name"))):
        found.append("Invalid 'response_format.json_schema.name': %s" % inner.get("name"))
    return found + schema_errors(inner.get("schema"))
