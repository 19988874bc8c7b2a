"""Pages of the queue."""

from django.urls import path

from reviewqueue import urls_notices
from reviewqueue.views import (
    alarms,
    cases,
    dashboard,
    failures,
    gold,
    lists,
    policy,
    quarantine,
    reliance,
    review,
    snapshots,
    speak,
    trust,
)
from reviewqueue.views.what_if import trust_what_if

app_name = "reviewqueue"
W = "w/<slug:slug>"
urlpatterns = [
    path(f"{W}/review/", review.review, name="review"),
    path(f"{W}/review/prefetch/", review.prefetch, name="review-prefetch"),
    path(f"{W}/review/release/", review.release, name="review-release"),
    path(f"{W}/review/<uuid:pk>/decide/", review.decide, name="review-decide"),
    path(f"{W}/review/<uuid:pk>/renew/", review.renew, name="review-renew"),
    path(f"{W}/review/<uuid:pk>/skip/", review.skip, name="review-skip"),
    path(f"{W}/review/<uuid:pk>/snooze/", review.snooze, name="review-snooze"),
    path(f"{W}/review/<uuid:pk>/escalate/", review.escalate, name="review-escalate"),
    path(f"{W}/review/<uuid:pk>/undo/", review.undo, name="review-undo"),
    path(f"{W}/speak/", speak.speak, name="speak"),
    path(f"{W}/cases/", lists.case_list, name="case-list"),
    path(f"{W}/cases/<uuid:pk>/", cases.case_detail, name="case-detail"),
    path(f"{W}/cases/<uuid:pk>/release/", cases.case_release, name="case-release"),
    path(f"{W}/cases/<uuid:pk>/assign/", cases.case_assign, name="case-assign"),
    path(f"{W}/cases/<uuid:pk>/note/", cases.case_note, name="case-note"),
    path(f"{W}/decisions/", lists.decision_list, name="decision-list"),
    path(
        f"{W}/decisions/<uuid:pk>/amend/", cases.decision_amend, name="decision-amend"
    ),
    path(f"{W}/items/", lists.item_list, name="item-list"),
    path(f"{W}/items/<uuid:pk>/", lists.item_detail, name="item-detail"),
    path(f"{W}/items/<uuid:pk>/unmasked/", lists.item_unmasked, name="item-unmasked"),
    path(f"{W}/quarantine/", quarantine.quarantine_list, name="quarantine-list"),
    path(
        f"{W}/quarantine/<uuid:pk>/",
        quarantine.quarantine_detail,
        name="quarantine-detail",
    ),
    path(
        f"{W}/quarantine/<uuid:pk>/discard/",
        quarantine.quarantine_discard,
        name="quarantine-discard",
    ),
    path(f"{W}/dashboard/", dashboard.dashboard, name="dashboard"),
    path(f"{W}/alarms/", alarms.alarms, name="alarms"),
    path(f"{W}/failures/", failures.failure_list, name="failure-list"),
    path(f"{W}/failures/file/", failures.failure_file, name="failure-file"),
    path(f"{W}/failures/file/<uuid:pk>/", failures.failures_kept, name="failures-kept"),
    path(
        f"{W}/failures/<uuid:pk>/withdraw/",
        failures.failure_withdraw,
        name="failure-withdraw",
    ),
    path(f"{W}/reliance/", reliance.reliance, name="reliance"),
    path(f"{W}/gold/", gold.gold_list, name="gold-list"),
    path(f"{W}/gold/<uuid:pk>/retire/", gold.gold_retire, name="gold-retire"),
    path(f"{W}/items/<uuid:pk>/gold/", gold.item_gold, name="item-gold"),
    path(f"{W}/snapshots/", snapshots.snapshot_list, name="snapshot-list"),
    path(f"{W}/snapshots/new/", snapshots.snapshot_create, name="snapshot-create"),
    path(
        f"{W}/snapshots/<uuid:pk>/", snapshots.snapshot_detail, name="snapshot-detail"
    ),
    path(
        f"{W}/snapshots/<uuid:pk>/<str:file_format>/",
        snapshots.snapshot_download,
        name="snapshot-download",
    ),
    path(f"{W}/policy/", policy.policy, name="policy"),
    *urls_notices.urlpatterns,
    path(f"{W}/trust/", trust.trust, name="trust"),
    path(f"{W}/trust/plan/", trust.trust_plan, name="trust-plan"),
    path(f"{W}/trust/what-if/", trust_what_if, name="trust-what-if"),
    path(f"{W}/trust/<uuid:pk>/grant/", trust.trust_grant, name="trust-grant"),
    path(f"{W}/trust/<uuid:pk>/withdraw/", trust.trust_withdraw, name="trust-withdraw"),
]
