"""Look for a planted key byte by byte, and in the forms that programs write it in."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from django.db import connection

SECRET = "sk-planted/7d1f2a9c+4e6b8031"


def places_of(secret: str, result: Iterable[tuple[str, bytes]]) -> list[str]:
    """Return the names of the places, of (name, bytes), in which a secret lies in any form."""
    plain = secret.encode()
    forms = [plain, plain.hex().encode(), quote(secret, safe="").encode(), *_base64(plain)]
    return [name for name, content in result if any(form in content for form in forms)]


def every_row() -> str:
    """Return all of the database's contents as text, binary columns in hexadecimal and as base64 text."""
    result: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")  # a name from the catalogue
            result += [row for (row,) in cursor.fetchall()]
    return "\n".join(result)


def files_below(directory: Path) -> Iterable[tuple[str, bytes]]:
    """Yield the name and content of every file, those inside of zip files too."""
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield str(path.relative_to(directory)), content
            yield from members(path.name, content)


def members(name: str, content: bytes) -> Iterable[tuple[str, bytes]]:
    """Yield what a zip file holds; nothing for other content."""
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from ((f"{name}/{member}", archive.read(member)) for member in archive.namelist())


def _base64(data: bytes) -> Iterable[bytes]:
    """Yield what the secret alone determines in base64, for each of the three places it may begin at."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + data)
        start = -(-before * 4 // 3)
        certain = (before + len(data)) * 8 // 6
        yield whole[start:certain]
        yield base64.urlsafe_b64encode(b"\0" * before + data)[start:certain]
