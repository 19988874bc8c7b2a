from datetime import UTC, datetime

import pytest
from django import forms
from django.template import Context, Template
from django.test import RequestFactory
from lucide import IconDoesNotExist


def _draw(source: str, **values: object) -> str:
    return Template("{% load ui %}" + source).render(Context(values))


def _plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{EN DASH}", "-")


class Form(forms.Form):
    share = forms.FloatField(max_value=1, help_text="Between 0 and 1.")
    note = forms.CharField(required=False)
    blind = forms.BooleanField(required=False, help_text="Withholds it.")
    evidence = forms.ChoiceField(
        choices=[("blind", "Blind"), ("all", "All")], widget=forms.RadioSelect
    )
    token = forms.CharField(widget=forms.HiddenInput)


def test_icon_is_hidden_from_screen_readers_and_has_no_style() -> None:
    svg = _draw('{% icon "check" %}')
    assert 'aria-hidden="true"' in svg
    assert 'class="icon"' in svg
    assert "style" not in svg


def test_icon_with_a_label_says_it_escaped() -> None:
    svg = _draw('{% icon "x" label %}', label="<remove>")
    assert '<span class="visually-hidden">&lt;remove&gt;</span>' in svg


def test_unknown_icon_is_an_error() -> None:
    with pytest.raises(IconDoesNotExist):
        _draw('{% icon "no-such-icon" %}')


def test_rate_comes_with_its_n_and_interval() -> None:
    drawn = _plain(_draw("{% rate 358 1412 0.22 0.28 %}"))
    assert "<b>25 %</b>" in drawn
    assert "(n = 1,412, 22-28)" in drawn


def test_rate_of_nothing_is_no_rate() -> None:
    drawn = _draw("{% rate 0 0 %}")
    assert "no data yet" in drawn
    assert "%" not in drawn


def test_none_is_written_as_a_dash() -> None:
    drawn = _draw("{{ x|thousands }}{{ x|percent }}{{ x|duration }}{{ x|age }}", x=None)
    assert drawn == "\N{EN DASH}" * 4


def test_age_is_up_to_the_given_moment() -> None:
    at = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
    now = datetime(2026, 1, 1, 11, 10, tzinfo=UTC)
    assert _plain(_draw("{{ at|age:now }}", at=at, now=now)) == "3 h 10 min"


def test_when_is_a_time_element() -> None:
    at = datetime(2026, 1, 1, 8, 5, tzinfo=UTC)
    drawn = _draw("{% when at %}", at=at)
    assert 'datetime="2026-01-01T08:05:00+00:00"' in drawn
    assert ">1 Jan 2026, 08:05</time>" in drawn


def test_field_ties_help_and_errors_to_its_control() -> None:
    drawn = _draw("{% field form.share %}", form=Form({"share": "2"}))
    assert 'aria-describedby="id_share_helptext id_share_error"' in drawn
    assert 'id="id_share_helptext"' in drawn
    assert 'id="id_share_error"' in drawn
    assert 'aria-invalid="true"' in drawn
    assert "less than or equal to 1" in drawn


def test_field_marks_what_is_optional() -> None:
    form = Form()
    assert "(optional)" in _draw("{% field form.note %}", form=form)
    assert "(optional)" not in _draw("{% field form.share %}", form=form)
    assert "(optional)" not in _draw("{% field form.note optional=False %}", form=form)


def test_field_of_radios_is_a_fieldset_with_a_legend() -> None:
    drawn = _draw("{% field form.evidence %}", form=Form())
    assert "<fieldset" in drawn
    assert "<legend>Evidence" in drawn


def test_field_that_is_hidden_has_no_label() -> None:
    assert "<label" not in _draw("{% field form.token %}", form=Form())


def test_pager_keeps_the_filters() -> None:
    drawn = _draw(
        '{% pager next_cursor="n1" shown=25 noun="cases" %}',
        request=RequestFactory().get("/", {"q": "a b", "cursor": "c0"}),
    )
    assert "25 cases on this page" in drawn
    assert 'href="?q=a+b&amp;cursor=n1"' in drawn
    assert 'href="?q=a+b"' in drawn


def test_key_shows_what_this_person_has_mapped() -> None:
    assert ">x</kbd>" in _draw('{% key "confirm" %}', keys={"confirm": "x"})
    assert ">c</kbd>" in _draw('{% key "confirm" %}')


def test_json_for_an_attribute_is_escaped() -> None:
    drawn = _draw('<p data-x="{{ x|as_json }}">', x={"a": '"<'})
    assert drawn == '<p data-x="{&quot;a&quot;: &quot;\\&quot;&lt;&quot;}">'
