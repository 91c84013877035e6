"""JSON with comments and further commas is read, in time that grows with its length."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from configs.documents.importers.editor_json import load_editor_json, plain_json
from configs.documents.room import MAX_CHARACTERS

VALUE = {"a": ["// no comment", "/* none */", ",]", '\\",}'], "b": {"c": 1}}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(VALUE),
        "// first\n" + json.dumps(VALUE) + " // last",
        "/* a\n * b */" + json.dumps(VALUE, indent="\t").replace("\n}", ", // end\n}") + "/**/",
        json.dumps(VALUE, indent="\t").replace("[", "[ /* , */").replace("1", "1,\n\t\t// more"),
        "\ufeff" + json.dumps(VALUE),
    ],
)
def test_comments_and_commas_are_left_out(text: str) -> None:
    assert load_editor_json(text) == VALUE
    assert plain_json(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", ["{", '{"a": "', '{"a\\', "{/*", "{//", "{,}x", "{,,}", "[1 2]", ""])
def test_the_rest_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        load_editor_json(text)


@pytest.mark.parametrize(
    "piece", ["/*\n", "/*", "/", "//", '"', '\\"', '"\\', ",", ", ", ",\n", "{,", "*/", "*"]
)
def test_no_text_takes_long(piece: str) -> None:
    # Reading parts again and again would take hours, and end with the limit of every test.
    text = "{" + piece * (MAX_CHARACTERS // len(piece))
    assert len(plain_json(text)) == len(text)


@pytest.mark.django_db
def test_a_file_that_an_editor_keeps_is_imported(browser: Client) -> None:
    text = (
        '{\n\t// mine\n\t"servers": { // all\n\t\t"gh": {"command": "npx", "args": ["-y", "x",],},\n\t},\n}'
    )
    response = browser.post("/agents/import/", {"document": text}, headers={"accept": "application/json"})
    assert response.status_code == 201, response.content
