"""What beat asks workers to look at, and how often: sweeps find what waits."""

from typing import Any

# Name, task, every so many seconds, and after how many nobody does it any more.
REGULAR = (
    ("tidy-leases", "reviewqueue.expire_leases", 30, 60),
    ("resume-snapshots", "reviewqueue.resume_snapshots", 30, 60),
    ("resume-training", "lifecycle.sweep_training", 30, 60),
    ("retrain", "lifecycle.retrain", 3600, 3600),
    ("profile-features", "predictions.refresh_profiles", 300, 600),
    ("watch-drift", "reviewqueue.watch_drift", 3600, 3600),
    ("watch-gold", "reviewqueue.watch_gold", 60, 60),
    ("watch-trust", "reviewqueue.watch_trust", 60, 60),
    ("merge-tallies", "reviewqueue.merge_tallies", 30, 60),
    ("watch-monitors", "lifecycle.watch", 60, 60),
    ("compare-versions", "lifecycle.compare_versions", 300, 300),
    ("thin-readings", "lifecycle.thin_readings", 6 * 3600, 3600),
    ("send-mails", "lifecycle.sweep_mails", 30, 30),
    ("deliver-notices", "reviewqueue.sweep_deliveries", 10, 20),
    ("make-previews", "predictions.sweep_previews", 10, 20),
    ("resume-archives", "predictions.sweep_archives", 30, 60),
    ("tidy-media", "predictions.tidy_media", 3600, 3600),
    ("close-windows", "predictions.close_windows", 60, 60),
    ("settle-failures", "reviewqueue.settle_failures", 60, 60),
    ("remove-readings", "reviewqueue.remove_old_readings", 3600, 3600),
    ("resume-gate-runs", "lifecycle.resume_gate_runs", 30, 60),
)


def schedule(*, sweep_seconds: int) -> dict[str, dict[str, Any]]:
    """Return Celery's schedule; times in seconds. `docs/operations.md` lists it."""
    sweep = ("score-what-waits", "reviewqueue.sweep_pending", sweep_seconds, 10)
    return {
        name: {"task": task, "schedule": every, "options": {"expires": expires}}
        for name, task, every, expires in (sweep, *REGULAR)
    }
