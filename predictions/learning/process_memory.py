"""How much memory a process has taken at most."""

from pathlib import Path
from typing import Final

PEAK: Final = "VmHWM:"


def peak_memory_mb(pid: int) -> float | None:
    """Return the most that the process held at once, in 10^6 bytes.

    The peak of its resident set since it began; None where the system does not say
    (only Linux does), or once the process is gone.
    """
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    found = (line.split()[1] for line in lines if line.startswith(PEAK))
    kilobytes = next(found, None)
    return None if kilobytes is None else int(kilobytes) * 1024 / 1e6
