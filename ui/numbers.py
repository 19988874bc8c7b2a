"""How numbers and times are written. Pure: no ORM, clock or settings."""

from typing import Final

NBSP: Final = "\N{NO-BREAK SPACE}"
NOTHING: Final = "\N{EN DASH}"
MINUS: Final = "\N{MINUS SIGN}"
MINUTE, HOUR, DAY = 60, 3600, 86_400


def thousands(value: float, digits: int | None = None) -> str:
    """Write 13384 as "13,384"; at most `digits` decimals, trailing zeros dropped."""
    if digits is None and float(value).is_integer():
        return f"{int(value):,}"
    text = f"{value:,.{2 if digits is None else digits}f}"
    return text.rstrip("0").rstrip(".") if digits is None else text


def amount(value: float) -> str:
    """Write an amount of any unit to about four digits: "10,218", "2.50", "0.0042"."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.2g}"


def percent(share: float, digits: int | None = None) -> str:
    """Write a share in 0..1 as a percentage, with more digits near 0 and 100 %.

    0.874 is "87 %", 0.096 "9.6 %", 0.0046 "0.46 %", 0.05 "5 %". Only exactly nothing
    and all are 0 % and 100 %: what would round to them is "<0.01 %" or ">99.99 %".
    """
    if digits is not None:
        return f"{share * 100:.{digits}f}{NBSP}%"
    from_end = min(abs(share), abs(1 - share)) * 100
    text = f"{share * 100:.{_digits_for(from_end)}f}"
    if 0 < share < 1 and float(text) in (0, 100):
        return f"{'<0.01' if share < 0.5 else '>99.99'}{NBSP}%"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}{NBSP}%"


def _digits_for(from_end: float) -> int:
    if from_end == 0 or from_end >= 10:
        return 0
    return 1 if from_end >= 1 else 2


def points(difference: float) -> str:
    """Write a difference of two shares in percentage points: "+6.4"."""
    return signed(difference * 100, 1)


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, always: "+0.34"; zero has none."""
    rounded = f"{abs(value):,.{digits}f}"
    if not float(rounded.replace(",", "")):
        return rounded
    return f"{'\N{MINUS SIGN}' if value < 0 else '+'}{rounded}"


def duration(seconds: float) -> str:
    """Write a length of time with its two largest units: "3 h 10 min", "18 s"."""
    if seconds < 0:
        return f"\N{MINUS SIGN}{duration(-seconds)}"
    if 0 < seconds < 1:
        return milliseconds(seconds * 1000)
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole}{NBSP}s"
    if whole < HOUR:
        return _two(whole, MINUTE, "min", 1, "s") if whole < 600 else _one(whole)
    if whole < 2 * DAY:
        return _two(whole, HOUR, "h", MINUTE, "min")
    return _two(whole, DAY, "d", HOUR, "h")


def milliseconds(value: float) -> str:
    """Write a short time, given in ms, to two digits or more: "37 µs", "2.5 ms".

    Only nothing is 0 ms: less than a microsecond is "<1 µs".
    """
    if value <= 0:
        return f"0{NBSP}ms"
    if value < 0.9995:
        micros = round(value * 1000)
        return f"{micros}{NBSP}µs" if micros else f"<1{NBSP}µs"
    if value < 999.5:
        return f"{value:.{1 if value < 9.95 else 0}f}{NBSP}ms"
    return f"{value / 1000:,.1f}{NBSP}s"


def _one(whole: int) -> str:
    return f"{whole // MINUTE}{NBSP}min"


def _two(whole: int, big: int, big_unit: str, small: int, small_unit: str) -> str:
    head = f"{whole // big}{NBSP}{big_unit}"
    rest = whole % big // small
    return f"{head} {rest}{NBSP}{small_unit}" if rest else head


def clock(seconds: float) -> str:
    """Write what is left of a lease: "4:31"; "0:00" when nothing is."""
    whole = max(0, int(seconds))
    return f"{whole // MINUTE}:{whole % MINUTE:02d}"


def interval(low: float, high: float) -> str:
    """Write an interval of shares in percent, both ends with the same digits."""
    width_digits = 0 if (high - low) * 100 >= 4 else 1
    digits = 2 if (high - low) * 100 < 0.5 else width_digits
    return f"{low * 100:.{digits}f}\N{EN DASH}{high * 100:.{digits}f}"
