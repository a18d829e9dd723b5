"""Forms of JSON files: what fits is read, and what does not is told by its place."""

import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from pointwise.hw.contract import errors, form
from pointwise.hw.contract.errors import shown
from pointwise.hw.contract.form import Form, FormError, parse_json, read_bytes, read_json


class Wheel(Form):
    kind: Literal["wheel"]
    size: Annotated[int, Field(ge=1, lt=10)]


class Seat(Form):
    kind: Literal["seat"]
    weight: float


class Car(Form):
    name: str
    parts: Annotated[
        list[Annotated[Wheel | Seat, Field(discriminator="kind")]], Field(min_length=1, max_length=3)
    ]
    fast: bool = False


WHEEL = {"kind": "wheel", "size": 3}
CAR = {"name": "a", "parts": [WHEEL]}


def told(values: object) -> str:
    with pytest.raises(FormError) as caught:
        Car.of(values)
    return str(caught.value)


def test_what_fits_is_read_and_a_whole_number_is_a_number() -> None:
    seat = {"kind": "seat", "weight": 2}
    car = Car.of(CAR | {"parts": [WHEEL, seat]})
    assert (car.name, car.parts[0].size, car.parts[1].weight, car.fast) == ("a", 3, 2.0, False)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "holds [], but an object was expected"),
        ({}, "lacks name"),
        (CAR | {"name": None}, "says name null, but a text was expected"),
        (CAR | {"wheels": 4}, "has wheels, which is not known"),
        (CAR | {"name\n\0": 4}, 'has "name\\n\\u0000", which is not known'),
        (CAR | {"fast": 1}, "says fast 1, but true or false was expected"),
        (CAR | {"parts": {}}, "says parts {}, but a list was expected"),
        (CAR | {"parts": []}, "says parts [], but a list of at least 1 was expected"),
        (CAR | {"parts": [WHEEL] * 4}, 'says parts [{"kind": "wheel", "size": 3}, {"kind"'),
        (CAR | {"parts": [{}]}, "lacks parts[0].kind"),
        (CAR | {"parts": [{"kind": "roof"}]}, """{"kind": "roof"}, but 'wheel', 'seat' was expected"""),
        (CAR | {"parts": [WHEEL, {"kind": "wheel"}]}, "lacks parts[1].size"),
        (CAR | {"parts": [WHEEL | {"size": "3"}]}, 'says parts[0].size "3", but a whole number was'),
        (CAR | {"parts": [WHEEL | {"size": True}]}, "says parts[0].size true, but a whole number was"),
        (CAR | {"parts": [WHEEL | {"size": 2.5}]}, "says parts[0].size 2.5, but a whole number was expected"),
        (CAR | {"parts": [WHEEL | {"size": 0}]}, "says parts[0].size 0, but at least 1 was expected"),
        (CAR | {"parts": [WHEEL | {"size": 10}]}, "says parts[0].size 10, but less than 10 was expected"),
        (CAR | {"parts": [{"kind": "seat", "weight": float("inf")}]}, "weight Infinity, but a finite number"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_by_its_place(values: object, words: str) -> None:
    assert words in told(values)


def test_a_file_is_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "MOST_BYTES", 100)
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"a": 1}))
    assert read_json(path) == {"a": 1}
    assert read_bytes(path, 8) == path.read_bytes()
    with pytest.raises(FormError, match="more than the 7 bytes"):
        read_bytes(path, 7)
    with pytest.raises(FormError, match="more than the 1,000 bytes"):
        read_bytes(Path("/dev/zero"), 1000)
    with pytest.raises(OSError, match="No such file"):
        read_json(tmp_path / "none")
    path.write_text("[]")
    with pytest.raises(FormError, match=r"holds \[\], but an object"):
        read_json(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        (b"\xff\xff", "is no JSON"),
        ("[" * 200_000, "is nested too deep"),
        ('{"a":' * 200_000, "is nested too deep"),
        ("9" * 5000, "is no JSON"),
    ],
    ids=range(6),
)
def test_what_is_no_json_is_told(text: str | bytes, words: str) -> None:
    with pytest.raises(FormError, match=words):
        parse_json(text)


def test_values_are_shown_short_and_can_be_printed() -> None:
    assert shown("ü") == '"ü"'
    assert shown({"a": [1, None, {"b": [[]]}]}) == '{"a": [1, null, {"b": "…"}]}'
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == '[[["…"]]]'
    assert shown("\ud800").isprintable()
    assert shown("a\0\x1b[31m") == '"a\\u0000\\u001b[31m"'
    assert len(shown("x" * 1000)) == errors.SHOWN
    assert len(shown(10**1000)) == errors.SHOWN
