"""The words on each page of a PDF that Chromium printed: its glyphs, read through its own tables."""

from __future__ import annotations

import re
import zlib
from pathlib import Path


def pages_of(path: Path) -> list[str]:
    """The text of each page, in the order of drawing and without blanks."""
    objects = {
        int(number): body
        for number, body in re.findall(rb"(?s)\n(\d+) 0 obj\b(.*?)\nendobj", b"\n" + path.read_bytes())
    }
    fonts = {number: _letters(objects, body) for number, body in objects.items() if b"/ToUnicode" in body}
    pages = []
    for body in objects.values():
        if re.search(rb"/Type\s*/Page\b", body):
            names = dict(re.findall(rb"/(F\d+) (\d+) 0 R", _resources(objects, body)))
            content = b"".join(
                _stream(objects[int(n)]) for n in re.findall(rb"/Contents \[?\s*(\d+) 0 R", body)
            )
            pages.append(_words(content, {name: fonts.get(int(n), {}) for name, n in names.items()}))
    return pages


def _resources(objects: dict[int, bytes], page: bytes) -> bytes:
    return page + b"".join(objects[int(n)] for n in re.findall(rb"/Resources (\d+) 0 R", page))


def _stream(body: bytes) -> bytes:
    found = re.search(rb"(?s)stream\r?\n(.*?)\r?\nendstream", body)
    assert found
    # If its last byte is one of those that end a line, it is missing here: a part of the checksum.
    return zlib.decompressobj().decompress(found[1]) if b"/FlateDecode" in body else found[1]


def _letters(objects: dict[int, bytes], font: bytes) -> dict[int, str]:
    table = re.search(rb"/ToUnicode (\d+) 0 R", font)
    assert table
    text = _stream(objects[int(table[1])]).decode("latin-1")
    letters: dict[int, str] = {}
    for block in re.findall(r"(?s)beginbfchar(.*?)endbfchar", text):
        for glyph, letter in re.findall(r"<(\w+)> <(\w+)>", block):
            letters[int(glyph, 16)] = bytes.fromhex(letter).decode("utf-16-be")
    for block in re.findall(r"(?s)beginbfrange(.*?)endbfrange", text):
        for first, last, letter in re.findall(r"<(\w+)> <(\w+)> <(\w+)>", block):
            for n in range(int(first, 16), int(last, 16) + 1):
                letters[n] = chr(int(letter, 16) + n - int(first, 16))
    return letters


def _words(content: bytes, fonts: dict[bytes, dict[int, str]]) -> str:
    said, letters = [], {}
    for name, glyphs in re.findall(rb"/(F\d+) [\d.]+ Tf|<([0-9A-Fa-f]+)>", content):
        if name:
            letters = fonts.get(name, {})
        else:
            codes = [int(glyphs[n : n + 4], 16) for n in range(0, len(glyphs), 4)]
            said.append("".join(letters.get(code, "") for code in codes))
    return "".join(said).replace(" ", "")
