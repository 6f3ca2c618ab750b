"""Validation of the options of a method or dataset, and their values from texts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from fwibench.errors import OptionError, UnknownNameError
from fwibench.text.quoting import unquote


def parse_options(owner: str, model: type[BaseModel], texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of texts: the JSON value where the option accepts it, else the text itself.

    Args:
        owner: Method or dataset, for messages.
        model: Model of the options.
        texts: Texts by option.

    Raises:
        OptionError: An option is unknown.
    """
    _check_names(owner, model, texts)
    return {name: _parse(model, name, text) for name, text in texts.items()}


def check_option(owner: str, model: type[BaseModel], name: str, value: Any) -> Any:
    """Return the validated value of one option.

    Args:
        owner: Method or dataset, for messages.
        model: Model of the options.
        name: Name of the option.
        value: Value that the user gives.

    Raises:
        OptionError: The option is unknown or does not accept the value.
    """
    _check_names(owner, model, [name])
    try:
        return _adapter(model, name).validate_python(value)
    except ValidationError as error:
        raise _refused(owner, model, name, error) from error


def validate_options(owner: str, model: type[BaseModel], preset: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """Build validated options: the preset's values, with the given ones on top.

    Args:
        owner: Method or dataset, for messages.
        model: Model of the options.
        preset: Values of the profile.
        given: Values that the user gives.

    Returns:
        An instance of the model.

    Raises:
        OptionError: An option is unknown or its value is not accepted; says which and what is expected.
    """
    _check_names(owner, model, given)
    values = {**preset, **given}
    try:
        options = model.model_validate(values)
    except ValidationError as error:
        raise _refused(owner, model, ".".join(map(str, error.errors()[0]["loc"][:1])), error) from error
    for name, value in options:
        # a plugin's model may accept NaN and infinity, but JSON, the format of records, has neither
        for number in _numbers(value):
            if not math.isfinite(number):
                raise OptionError(
                    f"option {name} of {owner} is or holds {number}, expected a finite number",
                    "leave it out or give one",
                )
    return options


def _refused(owner: str, model: type[BaseModel], name: str, error: ValidationError) -> OptionError:
    """Return the error for a value that an option, or for an empty name the model, does not accept."""
    first = error.errors()[0]
    field = model.model_fields.get(name)
    expected = f"; {name}: {field.description}" if field and field.description else ""
    what = f"option {name} of {owner} is {first.get('input')!r}: " if name else f"options of {owner}: "
    return OptionError(
        f"{what}{first['msg'].removeprefix('Value error, ').lower()}{expected}",
        f"fwibench info {owner} lists the options",
    )


def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    """Return what validates the values of a field."""
    field = model.model_fields[name]
    annotation: Any = Annotated[field.annotation, field]
    return TypeAdapter(annotation)


def _check_names(owner: str, model: type[BaseModel], given: Iterable[str]) -> None:
    unknown = [name for name in given if name not in model.model_fields]
    if unknown:
        error = UnknownNameError.among(f"option of {owner}", unknown[0], model.model_fields)
        raise OptionError(error.message, error.hint)


def _numbers(value: Any) -> Iterator[float]:
    """Yield the floating-point numbers in a value, nested ones included."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, BaseModel):
        yield from _numbers([one for _, one in value])
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _numbers(vars(value))
    elif isinstance(value, Mapping):
        yield from _numbers([*value.keys(), *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _numbers(one)


def _parse(model: type[BaseModel], name: str, text: str) -> Any:
    """Return the value of a text: its JSON value where the field accepts it, else the text itself."""
    spelled = {"none": "null", "true": "true", "false": "false"}.get(text.lower(), text)
    try:
        value = json.loads(spelled)
        _adapter(model, name).validate_python(value)
    except (ValueError, RecursionError):
        return unquote(text)
    return value
