"""Pack a function as Netlify runs it; the same program gives the same zip."""

from __future__ import annotations

import io
import zipfile

# The earliest time that a zip can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_TOOLCHAIN = b'{"runtime":"go"}'


def zip_function(bootstrap: bytes) -> bytes:
    """Return the zip of a compiled function."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data, mode in (
            ("bootstrap", bootstrap, 0o100755),
            ("netlify-toolchain", _TOOLCHAIN, 0o100644),
        ):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = mode << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
