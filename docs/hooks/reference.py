"""Griffe extensions for the API reference, which is read from the source without importing it."""

import ast
import re
from typing import Any

from griffe import Attribute, Class, Docstring, Extension, Object, ObjectNode


class Examples(Extension):
    """Render examples as code: an `Example:` section, or prompts at the end of a docstring."""

    def on_instance(self, *, node: ast.AST | ObjectNode, obj: Object, **kwargs: Any) -> None:
        if obj.docstring:
            text = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.M)
            bare = re.search(r"^>>> ", text, re.M)
            if bare:
                start = bare.start()
                prompts = text[start:].rstrip().replace("\n", "\n    ")
                text = f"{text[:start]}Examples:\n    {prompts}"
            obj.docstring.value = text


class SettingsFields(Extension):
    """Document the fields of a settings class: their defaults and descriptions."""

    def on_attribute_instance(
        self, *, node: ast.AST | ObjectNode, attr: Attribute, **kwargs: Any
    ) -> None:
        call = getattr(node, "value", None)
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "setting"):
            return
        attr.extra["settings"]["description"] = _described(call)
        attr.value = attr.value.arguments[0]  # type: ignore[union-attr]

    def on_class_members(self, *, cls: Class, **kwargs: Any) -> None:
        descriptions = {
            name: member.extra["settings"]["description"]
            for name, member in cls.members.items()
            if isinstance(member, Attribute) and "settings" in member.extra
        }
        if descriptions and cls.docstring:
            lines = [f"    {name}: {text}." for name, text in descriptions.items()]
            text = cls.docstring.value + "\n\nAttributes:\n" + "\n".join(lines)
            cls.docstring = Docstring(text, parent=cls, lineno=cls.docstring.lineno)


def _described(call: ast.Call) -> str:
    """Return the description with the allowed values."""
    text = str(ast.literal_eval(call.args[1]))
    rules = {keyword.arg: keyword.value for keyword in call.keywords}
    limits = [
        f"{phrase} {ast.literal_eval(rules[name])}"
        for name, phrase in (("low", "at least"), ("high", "at most"))
        if name in rules
    ]
    choices = rules.get("choices")
    if isinstance(choices, ast.Tuple):
        missing = [one for one in ast.literal_eval(choices) if one not in text]
        limits += [f"one of {', '.join(ast.literal_eval(choices))}"] if missing else []
    return f"{text} ({', '.join(limits)})" if limits else text
