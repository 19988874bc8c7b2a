"""What the security policy would refuse in a browser is refused here, in the source."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.loader import get_template
from lucide import IconDoesNotExist

from ui.icons import icon_svg

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STATIC = sorted(p for p in (ROOT / "static").rglob("*") if p.suffix in {".css", ".js"})
INLINE = re.compile(
    r"""\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*["']|javascript:|hx-on|\bhx-vals=["']js:""",
    re.IGNORECASE,
)
STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
SCRIPT = re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE)
HOST = re.compile(r"""(?:src|href|url|from|import)\s*[=(]?\s*["'(]?\s*(?:https?:)?//""")


def _ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", TEMPLATES, ids=_ids(TEMPLATES))
def test_template_has_no_inline_script_or_style_and_compiles(path: Path) -> None:
    source = path.read_text()
    # What is written to a file of its own has no server to give it a style sheet.
    pages = source if path.parent.name != "files" else STYLE.sub("", source)
    assert not INLINE.search(pages)
    assert not SCRIPT.search(source)
    assert not HOST.search(source)
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("path", STATIC, ids=_ids(STATIC))
def test_static_file_asks_no_other_host(path: Path) -> None:
    assert not HOST.search(path.read_text())


def _icon_names() -> Iterator[str]:
    for path in TEMPLATES:
        yield from re.findall(r'{%\s*icon "([^"]+)"', path.read_text())


@pytest.mark.parametrize("name", sorted(set(_icon_names())))
def test_icon_that_a_template_names_exists(name: str) -> None:
    try:
        icon_svg(name)
    except IconDoesNotExist:
        pytest.fail(f"no icon {name!r}")
