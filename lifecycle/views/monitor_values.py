"""How a reading's value is written: by the unit of its monitor."""

from lifecycle.judging.business import in_words
from lifecycle.models import Reading
from lifecycle.services.monitors.registry import Monitor
from predictions.declaration import Declaration
from ui import numbers


def value_in_words(
    monitor: Monitor, reading: Reading | None, declaration: Declaration
) -> str:
    """Write a reading's value with its unit; nothing where there is none."""
    if reading is None or reading.value is None:
        return numbers.NOTHING
    return in_unit(monitor, reading.value, declaration)


def in_unit(monitor: Monitor, value: float, declaration: Declaration) -> str:
    """Write a value in the unit of a monitor."""
    currency = declaration.costs.currency
    if monitor.unit == "measure":
        return in_words(declaration.business.measure or "", value, currency)
    if monitor.unit == "ms":
        return numbers.milliseconds(value)
    if monitor.unit == "minutes":
        return numbers.duration(value * 60)
    if monitor.unit == "seconds":
        return numbers.duration(value)
    if monitor.unit == "money":
        return f"{numbers.amount(value)}{numbers.NBSP}{currency}"
    return numbers.percent(value)


def unit_name(monitor: Monitor, declaration: Declaration) -> str:
    """Name the unit of a monitor's axis; empty where it is a share."""
    what = declaration.business.measure if monitor.unit == "measure" else monitor.unit
    if what in ("money", "cost_per_item"):
        return declaration.costs.currency
    if what == "false_alarms_per_hit":
        return "false alarms"
    return monitor.unit if monitor.unit in ("ms", "minutes", "seconds") else ""
