"""Find the skills in what was uploaded: zip archives, folders, or the files of one skill.

Archives are hostile until read: nothing is written to disk, and paths, links and sizes are judged first.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from django.core.exceptions import ValidationError

from . import entries
from .markdown import SkillRefused, parse

MOST_UPLOAD = 2_000_000
# What an archive may unpack to, and hold.
_MOST_UNPACKED = 4_000_000
_MOST_ENTRIES = 1000
_MOST_NOTES = 20
_ZIP = b"PK\x03\x04"
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
)
_HIDDEN = {"__MACOSX", "__pycache__", "Thumbs.db"}

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Reading:
    """What became of one skill: the skill or its problems, and what of it was left out."""

    title: str
    skill: entries.Skill | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_archive(data: bytes) -> bool:
    """Return whether a file is a zip archive, whatever its name."""
    return data.startswith(_ZIP)


def read_uploads(uploads: Iterable[tuple[str, bytes]]) -> list[Reading]:
    """Return the skills of files by their paths: those of each archive, and of all other files together."""
    loose: dict[str, bytes] = {}
    readings: list[Reading] = []
    for path, data in uploads:
        if not is_archive(data):
            loose[path] = data
            continue
        try:
            readings += _skills_in(_unpacked(data), path)
        except SkillRefused as refusal:
            readings.append(Reading(path, problems=tuple(refusal.problems)))
    if loose:
        title = next(iter(loose)) if len(loose) == 1 else f"{len(loose)} files"
        try:
            readings += _skills_in({_safe(path): data for path, data in loose.items()}, title)
        except SkillRefused as refusal:
            readings.append(Reading(title, problems=tuple(refusal.problems)))
    return readings


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive by their paths. Raises SkillRefused."""
    if len(data) > MOST_UPLOAD:
        raise SkillRefused([f"The archive is larger than {MOST_UPLOAD // 1_000_000} MB."])
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len(infos) > _MOST_ENTRIES:
                raise SkillRefused([f"The archive has more than {_MOST_ENTRIES:,} entries."])
            room = _MOST_UNPACKED
            for info in infos:
                path = _path_of(info)
                if info.is_dir():
                    continue
                if path in files:
                    raise SkillRefused([f"The archive has “{path}” twice."])
                with archive.open(info) as file:
                    files[path] = file.read(room + 1)
                room -= len(files[path])
                if room < 0:
                    raise SkillRefused(
                        [f"The archive unpacks to more than {_MOST_UNPACKED // 1_000_000} MB."]
                    )
    except _DAMAGED as error:
        raise SkillRefused(["The archive is damaged, or not a zip archive."]) from error
    return files


def _path_of(info: zipfile.ZipInfo) -> str:
    """Return where an entry is, relative to the archive. Raises SkillRefused for what is no plain file."""
    path = _safe(info.filename.removesuffix("/") if info.is_dir() else info.filename)
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise SkillRefused([f"“{path}” is a link or no plain file. Put the file itself into the archive."])
    if info.flag_bits & 1:
        raise SkillRefused(["The archive is protected by a password."])
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise SkillRefused([f"“{path}” is compressed in another way than zip's usual one (deflate)."])
    return path


def _safe(path: str) -> str:
    try:
        return entries.clean_path(path.removeprefix("./"))
    except ValidationError as error:
        raise SkillRefused([f"The path {error.messages[0]}"]) from error


def _skills_in(files: Files, title: str) -> list[Reading]:
    shown = {path: data for path, data in files.items() if not _is_hidden(path)}
    roots = _roots(shown)
    if not roots:
        raise SkillRefused([f"There is no {entries.MAIN_FILE} among the files."])
    of_root: dict[str, dict[str, bytes]] = {root: {} for root in roots}
    outside = []
    for path, data in shown.items():
        home = max((root for root in roots if _is_below(path, root)), key=len, default=None)
        if home is None:
            outside.append(path)
        else:
            of_root[home][path.removeprefix(f"{home}/") if home else path] = data
    notes = _listed("Left out, because it belongs to no skill", outside)
    notes += _listed("Left out, because it is hidden", [path for path in files if path not in shown])
    readings = [_read(roots[root], root, inner) for root, inner in of_root.items()]
    first = readings[0]
    return [Reading(first.title, first.skill, first.problems, (*first.notes, *notes)), *readings[1:]]


def _roots(files: Files) -> dict[str, str]:
    """Return the folders of skills, "" for the topmost, and the name of the main file of each."""
    paths = [PurePosixPath(path) for path in files]
    mains = [path for path in paths if path.name.casefold() == entries.MAIN_FILE.casefold()]
    if not mains and len(paths) == 1 and paths[0].suffix.lower() == ".md":
        mains = paths
    roots: dict[str, str] = {}
    for main in sorted(mains):
        folder = "" if str(main.parent) == "." else str(main.parent)
        if folder in roots:
            raise SkillRefused([f"“{folder or main}” has two files that are called {entries.MAIN_FILE}."])
        roots[folder] = main.name
    return roots


def _is_below(path: str, root: str) -> bool:
    return not root or path.startswith(f"{root}/")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part in _HIDDEN for part in path.split("/"))


def _read(main: str, root: str, files: Mapping[str, bytes]) -> Reading:
    """Return the skill of a folder."""
    file = f"{root}/{main}" if root else main
    try:
        skill, notes = parse(_text(files[main], file), file)
        notes += _folder_note(root, skill["name"])
        texts = []
        for path, data in files.items():
            if path == main:
                continue
            try:
                texts.append({"path": path, "text": data.decode()})
            except UnicodeDecodeError:
                notes.append(f"Left out, because it is no text in UTF-8: {path}.")
        skill = entries.clean_skill({**skill, "files": [each for each in texts if "\0" not in each["text"]]})
    except SkillRefused as refusal:
        return Reading(file, problems=tuple(refusal.problems))
    except ValidationError as error:
        return Reading(file, problems=(f"{file}: {error.messages[0]}",))
    notes += [f"Left out, because it is no text: {each['path']}." for each in texts if "\0" in each["text"]]
    return Reading(skill["name"], skill, notes=tuple(notes[:_MOST_NOTES]))


def _text(data: bytes, file: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SkillRefused([f"{file}, line {line}: this is no text in UTF-8."]) from error


def _folder_note(root: str, name: str) -> list[str]:
    folder = root.rpartition("/")[2]
    return [f"Its folder is called “{folder}”, the skill is {name}."] if folder not in ("", name) else []


def _listed(what: str, paths: list[str]) -> tuple[str, ...]:
    if not paths:
        return ()
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return (f"{what}: {', '.join(sorted(paths)[:5])}{more}.",)
