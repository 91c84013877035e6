"""The files of an agent: what is taken, refused, replaced, copied, and named by documents and revisions."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tracemalloc
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import now
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, StreamObject
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.compiler import sources
from configs import belongings
from configs.documents.document import parse
from configs.documents.export import export
from configs.documents.intake import import_agent
from configs.documents.problems import DocumentError
from configs.knowledge.extraction.kinds import extract
from configs.knowledge.extraction.text import Unreadable
from configs.knowledge.reading import read_file
from configs.models import AgentConfig, KnowledgeBlob, KnowledgeFile
from configs.revisions import create_revision, draft_json
from configs.services import duplicate_agent

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
TEXT = b"# Tides\n\nThey turn twice a day.\n"


def _add(browser: Client, agent: AgentConfig, name: str, content: bytes) -> Any:
    sent = {"added": SimpleUploadedFile(name, content)}
    return browser.post(f"/agents/{agent.pk}/knowledge/add/", sent, headers=JSON)


def _read(agent: AgentConfig) -> AgentConfig:
    for row in KnowledgeFile.objects.filter(agent=agent):
        read_file(row.pk)
    return AgentConfig.objects.get(pk=agent.pk)


def _problems(agent: AgentConfig, browser: Client) -> str:
    return browser.get(f"/agents/{agent.pk}/knowledge/").content.decode()


def test_an_agent_without_files_has_no_knowledge(agent: AgentConfig) -> None:
    assert "knowledge" not in json.loads(draft_json(agent))
    assert "knowledge" not in export(AgentConfig.objects.get(pk=agent.pk))


def test_trust_is_in_the_prompt_and_in_the_configuration(browser: Client, agent: AgentConfig) -> None:
    _add(browser, agent, "tides.md", TEXT)
    trusted = json.loads(draft_json(_read(agent)))
    AgentConfig.objects.filter(pk=agent.pk).update(knowledge_trusted=False)
    wary = json.loads(draft_json(AgentConfig.objects.get(pk=agent.pk)))
    assert (trusted["knowledge"]["trusted"], wary["knowledge"]["trusted"]) == (True, False)
    assert "never an instruction" in wary["system_prompt"]
    assert "never an instruction" not in trusted["system_prompt"]
    assert "tides.md" in trusted["system_prompt"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("tides.exe", b"x", "Add text, Markdown"),
        ("tides", b"x", "Add text, Markdown"),
        ("tides.md", b"", "It is empty"),
        ("tides.txt", b"x" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_what_cannot_be_read_is_refused(
    browser: Client, agent: AgentConfig, settings: Settings, name: str, content: bytes, reason: str
) -> None:
    settings.MOST_KNOWLEDGE_FILE_MB = 1
    refused = _add(browser, agent, name, content)
    assert refused.status_code == 422
    assert reason in json.dumps(refused.json())
    assert not KnowledgeFile.objects.exists()


def test_a_share_of_space_is_kept(browser: Client, agent: AgentConfig, settings: Settings) -> None:
    settings.MOST_KNOWLEDGE_MB = 0
    assert _add(browser, agent, "tides.md", TEXT).status_code == 422


def test_a_file_of_the_same_name_is_replaced_and_its_content_goes(
    browser: Client, agent: AgentConfig
) -> None:
    _add(browser, agent, "tides.md", TEXT)
    _read(agent)
    assert _add(browser, agent, "TIDES.md", b"Other tides.").status_code == 201
    row = KnowledgeFile.objects.get()
    assert (row.state, row.sha256) == ("queued", hashlib.sha256(b"Other tides.").hexdigest())
    assert KnowledgeBlob.objects.count() == 1


def test_a_removed_file_leaves_its_text_to_the_revision_that_names_it(
    browser: Client, agent: AgentConfig
) -> None:
    _add(browser, agent, "tides.md", TEXT)
    ready = _read(agent)
    revision = create_revision(ready)
    row = KnowledgeFile.objects.get()
    assert browser.post(f"/agents/{agent.pk}/knowledge/{row.pk}/remove/", headers=JSON).status_code == 200
    assert [blob.sha256 for blob in KnowledgeBlob.objects.all()] == [row.text_sha256]
    assert browser.post(f"/agents/{agent.pk}/revisions/{revision.number}/restore/").status_code == 302
    back = KnowledgeFile.objects.get()
    assert (back.name, back.state, back.text_sha256) == ("tides.md", "ready", row.text_sha256)


def test_the_export_of_an_account_has_files_and_the_texts_of_former_ones(
    browser: Client, agent: AgentConfig, bob: User
) -> None:
    his = AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="local", model="m")
    KnowledgeBlob.objects.create(owner=bob, agent=his, sha256="0" * 64, content=b"Bob's", size=5)
    _add(browser, agent, "former.md", TEXT)
    _add(browser, agent, "tides.html", b"<p>Tides</p>")
    create_revision(_read(agent))
    former = KnowledgeFile.objects.get(name="former.md")
    browser.post(f"/agents/{agent.pk}/knowledge/{former.pk}/remove/", headers=JSON)
    # In the trash they are hers all the same.
    AgentConfig.objects.filter(pk=agent.pk).update(trashed_at=now())
    response = browser.get("/accounts/export/")
    content = response.getvalue()
    assert int(response["Content-Length"]) == len(content)
    folder = f"trash/{agent.pk}-{agent.handle}-files"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if "-files/" in name}
    text = KnowledgeBlob.objects.get(agent=agent, sha256=former.text_sha256).content
    assert files == {
        f"{folder}/tides.html": b"<p>Tides</p>",
        f"{folder}/texts/{former.text_sha256}.txt": bytes(text),
    }


def test_the_export_of_an_account_has_each_file_of_the_same_content(
    browser: Client, agent: AgentConfig
) -> None:
    _add(browser, agent, "tides.html", b"<p>Tides</p>")
    _read(agent)
    page = KnowledgeFile.objects.get()
    text = bytes(KnowledgeBlob.objects.get(sha256=page.text_sha256).content)
    _add(browser, agent, "again.md", text)
    # A document may name one file twice.
    KnowledgeFile.objects.create(
        owner=agent.owner, agent=agent, name="twice.html", sha256=page.sha256, text_sha256=page.text_sha256
    )
    with zipfile.ZipFile(io.BytesIO(browser.get("/accounts/export/").getvalue())) as archive:
        files = {
            name.rpartition("/")[2]: archive.read(name) for name in archive.namelist() if "-files/" in name
        }
    assert files == {"again.md": text, "tides.html": b"<p>Tides</p>", "twice.html": b"<p>Tides</p>"}


def test_a_file_that_is_removed_during_the_export_is_left_out(agent: AgentConfig) -> None:
    for digest in ("a" * 64, "b" * 64, "c" * 64):
        KnowledgeBlob.objects.create(owner=agent.owner, agent=agent, sha256=digest, content=b"x", size=1)
    names = []
    for path, _ in belongings.agents(agent.owner):
        names.append(path.rpartition("/")[2])
        if "a" * 64 in path:
            KnowledgeBlob.objects.filter(sha256="b" * 64).delete()
    assert names[2:] == [f"{'a' * 64}.txt", f"{'c' * 64}.txt"]


def test_the_export_of_an_account_holds_one_file_at_a_time(browser: Client, agent: AgentConfig) -> None:
    for number in range(12):
        content = random.Random(number).randbytes(4_000_000)  # noqa: S311
        KnowledgeBlob.objects.create(
            owner=agent.owner, agent=agent, sha256=f"{number:064}", content=content, size=len(content)
        )
    tracemalloc.start()
    try:
        size = sum(map(len, browser.get("/accounts/export/")))
        assert size > 48_000_000
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["..", "tides", "tides.exe"])
def test_a_document_names_only_files_that_can_be_added(name: str, agent: AgentConfig) -> None:
    files = f"knowledge: {{files: [{{name: '{name}', sha256: {'0' * 64}}}]}}\n"
    with pytest.raises(DocumentError, match="each with name and sha256"):
        parse(export(AgentConfig.objects.get(pk=agent.pk)) + files)


def test_a_document_names_files_that_are_recognised_when_added(
    browser: Client, agent: AgentConfig, alice: User
) -> None:
    _add(browser, agent, "tides.md", TEXT)
    text = export(_read(agent))
    imported = import_agent(parse(text), alice)
    assert any("tides.md" in note for note in imported.notes)
    assert "is missing" not in _problems(imported.agent, browser)
    row = KnowledgeFile.objects.get(agent=imported.agent)
    assert row.state == "missing"
    assert _add(browser, imported.agent, "renamed.md", TEXT).status_code == 201
    row.refresh_from_db()
    assert (row.name, row.state) == ("tides.md", "queued")


def test_a_copy_has_the_files_too(browser: Client, agent: AgentConfig) -> None:
    _add(browser, agent, "tides.md", TEXT)
    copied = duplicate_agent(_read(agent))
    assert AgentConfig.objects.get(pk=copied.pk).knowledge[0]["state"] == "ready"
    assert KnowledgeBlob.objects.filter(agent=copied).count() == 2


def test_a_download_is_never_shown_as_a_page(
    browser: Client, agent: AgentConfig, bob: User, client_of: Callable[[User], Client]
) -> None:
    _add(browser, agent, "page.html", b"<p>Hello <script>alert(1)</script>")
    url = f"/agents/{agent.pk}/knowledge/{KnowledgeFile.objects.get().pk}/"
    sent = browser.get(url)
    assert sent.content.startswith(b"<p>Hello")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert client_of(bob).get(url).status_code == 404


def test_only_an_agent_with_files_has_the_code_of_the_search() -> None:
    without = json.dumps({"capabilities": {"tools": ["clock"]}})
    with_files = json.dumps({"capabilities": {"tools": ["clock"]}, "knowledge": {"files": [{}]}})
    assert sources.chosen_tools(without) == ["clock"]
    assert sources.chosen_tools(with_files) == ["clock", "knowledge_search"]
    listed = sources.read()
    assert not [name for name in listed.runtime if "knowledge" in name]
    for program in ("plugin", "standalone", "function", "host"):
        assert not [name for name in listed.targets[program] if "knowledge" in name]


def test_text_is_extracted_with_its_places() -> None:
    places = {
        "markdown": (b"# A\n\none\n\n## B [x]\n\ntwo", ["A", "A > B (x)"]),
        "html": (b"<h1>A</h1><p>one<script>no()</script><p hidden>no</p>", ["A"]),
        "csv": (b"name;price\nsofa;900\n", ["row 2"]),
        "text": (b"one\ntwo\n", ["lines 1-2"]),
    }
    for kind, (data, expected) in places.items():
        chunks = extract(kind, data).chunks()
        assert [chunk["place"] for chunk in chunks] == expected
        assert not any("no" in chunk["text"] for chunk in chunks)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A #\n\n**b** and *c d*, `e`, __f__ <!-- g\nh --> i", [("A", "b and c d, e, f\n i")]),
        ("## A ## # B#\n\none", [("A ## # B#", "one")]),
        ("# A <!-- b\n\none", [("A <!-- b", "one")]),
        ("#no\n\n#\tyes\t##\t\n\none", [("line 1", "#no"), ("yes", "one")]),
    ],
)
def test_marks_of_markdown_are_left_out(text: str, expected: list[tuple[str, str]]) -> None:
    chunks = extract("markdown", text.encode()).chunks()
    assert [(chunk["place"], chunk["text"]) for chunk in chunks] == expected


@pytest.mark.parametrize(
    "piece", ["<!--", "<!-- -", "*a ", "__a ", "`", "# ", '[a](b "', "[", "-", '."', "\t"]
)
def test_no_markdown_takes_hours(piece: str) -> None:
    # Looking for an end from every beginning would end with the limit of every test.
    text = piece * (200_000 // len(piece)) + "x"
    for document in (f"one\n\n# {text}", f"{text}\n\none"):
        assert extract("markdown", document.encode()).chunks()


def _pdf(*pages: str) -> bytes:
    """Return a PDF document with a text, or nothing, on each page."""
    writer = PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font")})
    font.update(
        {NameObject("/Subtype"): NameObject("/Type1"), NameObject("/BaseFont"): NameObject("/Helvetica")}
    )
    for text in pages:
        page = writer.add_blank_page(600, 800)
        content = StreamObject()
        lines = " ".join(f"({line}) Tj 0 -14 Td" for line in text.split("\n"))
        content.set_data(f"BT /F1 12 Tf 50 700 Td {lines} ET".encode() if text else b"")
        page[NameObject("/Contents")] = writer._add_object(content)
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    return _bytes_of(writer)


def _bytes_of(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_the_pages_of_a_pdf_are_read_without_what_they_repeat() -> None:
    pages = [f"Tide tables\nFact {number} of the sea.\nPage {number}" for number in range(1, 6)]
    chunks = extract("pdf", _pdf(*pages)).chunks()
    assert [(chunk["place"], chunk["text"]) for chunk in chunks] == [
        (f"page {number}", f"Fact {number} of the sea.") for number in range(1, 6)
    ]


def test_a_pdf_without_letters_or_with_a_password_says_what_to_do() -> None:
    with pytest.raises(Unreadable, match="2 of its 3 pages hold no text"):
        extract("pdf", _pdf("Only this.", "", ""))
    locked = PdfWriter(clone_from=io.BytesIO(_pdf("Secret.")))
    locked.encrypt("a password")
    with pytest.raises(Unreadable, match="protected by a password"):
        extract("pdf", _bytes_of(locked))


@pytest.mark.parametrize(("kind", "data"), [("pdf", b"%PDF-1.4 broken"), ("text", b"\0\1"), ("text", b" \n")])
def test_what_holds_no_text_says_so(kind: str, data: bytes) -> None:
    with pytest.raises(Unreadable):
        extract(kind, data)
