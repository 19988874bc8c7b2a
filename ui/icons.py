"""Icons as inline SVG: no font, no request, no style attribute."""

from functools import lru_cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide


@lru_cache(maxsize=256)
def icon_svg(name: str, label: str = "") -> SafeString:
    """Return a Lucide icon, hidden from screen readers unless it has a label.

    Raises: lucide.IconDoesNotExist for an unknown name.
    """
    svg = lucide(name, size=16, class_="icon", aria_hidden="true", focusable="false")
    svg = svg.replace("class-=", "class=").replace("\n", "")
    drawn = mark_safe(svg)  # noqa: S308 -- our own package's drawing, no user text
    if not label:
        return drawn
    return format_html('{}<span class="visually-hidden">{}</span>', drawn, label)
