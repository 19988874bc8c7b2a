"""How many: the counts behind the figures, kept by the database as rows come.

Every statement that appends decisions, retractions, routes or late truth also appends
counts here, in the same transaction: a sum over them is exact at every moment, however
late a transaction commits. Nothing is ever updated in place, so writers never wait for
each other; a task merges what has piled up. `docs/figures.md` says what each one means.
"""

import pgtrigger
from django.db import models

from predictions.models import Workflow

# Lower ends of the probability bands after the first; the last band also holds 1.
BAND_ENDS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9)
NO_BAND = -1


class Tally(models.Model):
    """A count, or what changes it: the sum over equal keys is what counts.

    `figure` names what is counted, `key` which value of it, `slot` how it fell out.
    `label` and `model` are empty where all are counted; figures of readings are
    counted for each recommended label and each model version as well.
    """

    id = models.BigAutoField(primary_key=True)
    # Checked already on what is counted.
    workflow = models.ForeignKey(
        Workflow,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    day = models.DateField()  # UTC
    # Empty: all of the workflow; else counted for that site once more.
    site = models.CharField(max_length=36, blank=True)
    label = models.CharField(max_length=50, blank=True)
    model = models.CharField(max_length=36, blank=True)
    figure = models.CharField(max_length=12)
    key = models.CharField(max_length=60, blank=True)
    slot = models.CharField(max_length=110)
    n = models.BigIntegerField()
    is_loose = models.BooleanField()  # not merged yet

    class Meta:
        verbose_name_plural = "tallies"
        indexes = (
            # Figures over a window.
            models.Index(
                fields=("workflow", "site", "label", "model", "day"),
                name="reviewqueue_tally_window",
            ),
            # What is to be merged.
            models.Index(
                fields=("workflow", "day"),
                condition=models.Q(is_loose=True),
                name="reviewqueue_tally_loose",
            ),
            # Merging takes everything of a day.
            models.Index(fields=("workflow", "day"), name="reviewqueue_tally_day"),
        )

    def __str__(self) -> str:
        return f"tally {self.id}"


# What belongs to a site is counted for all, and for the site.
_OF_ALL_AND_SITE = "(VALUES (''), ({row}.site_id::text)) s(site)"
_DECISION_FACTS = """
SELECT d.workflow_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day, s.site,
       CASE WHEN g.by_label THEN d.recommended_label ELSE '' END AS label,
       CASE WHEN g.by_model THEN COALESCE(d.model_version_id::text, '') ELSE '' END
           AS model,
       f.figure, f.key, COALESCE(f.slot, d.way || '.' || d.verdict) AS slot, d.sign AS n
FROM (
    SELECT given.*,
           CASE WHEN given.recommended_label = '' THEN 'alone'
                WHEN given.blind THEN 'blind' ELSE 'shown' END AS way,
           -- what had passed was chosen by a person, not drawn: work, but no reading
           given.recommended_label <> '' AND given.model_version_id IS NOT NULL
               AND given.case_kind NOT IN ('adjudication', 'gold')
               AND r.kind = 'review' AS is_reading,
           -- an amendment has the time and the speed of what it replaces
           NOT given.is_amending AND given.case_kind NOT IN ('adjudication', 'gold')
               AS is_timed
    FROM ({source}) given JOIN reviewqueue_route r ON r.item_id = given.item_id
) d
JOIN reviewqueue_case c ON c.id = d.case_id
JOIN (VALUES (false, false), (true, false), (false, true), (true, true))
    g(by_label, by_model) ON d.is_reading OR NOT (g.by_label OR g.by_model)
CROSS JOIN LATERAL {sites}
CROSS JOIN LATERAL (VALUES
    ('total', CASE WHEN d.is_reading THEN '' END, NULL),
    ('label', CASE WHEN d.is_reading AND NOT g.by_label THEN d.recommended_label END,
     NULL),
    ('model', CASE WHEN d.is_reading AND NOT g.by_model
                   THEN d.model_version_id::text END, NULL),
    ('band', CASE WHEN d.is_reading THEN
        COALESCE(width_bucket(d.probability, ARRAY[{ends}]::float8[]), -1)::text END,
     NULL),
    ('reviewer', CASE WHEN d.is_reading THEN d.reviewer_id::text END, NULL),
    ('reason', CASE WHEN d.is_reading THEN d.reason_code END, NULL),
    ('kind', CASE WHEN NOT (g.by_label OR g.by_model) AND d.case_kind <> 'gold'
                  THEN d.case_kind END, NULL),
    ('sla', CASE WHEN d.is_timed AND NOT (g.by_label OR g.by_model) THEN '' END,
     CASE WHEN d.decided_at <= c.due_at THEN 'kept' ELSE 'late' END)
) f(figure, key, slot)
WHERE f.key IS NOT NULL AND s.site IS NOT NULL
"""


def _decision_facts(source: str) -> str:
    ends = ", ".join(map(str, BAND_ENDS))
    sites = _OF_ALL_AND_SITE.format(row="d")
    return _DECISION_FACTS.format(source=source, ends=ends, sites=sites)


def decision_counts(made: str) -> str:
    """Return SQL that counts the decisions of a relation."""
    return _decision_facts(
        f"SELECT *, 1 AS sign, supersedes_id IS NOT NULL AS is_amending FROM {made}"  # noqa: S608 -- names of tables
    )


def retraction_counts(made: str) -> str:
    """Return SQL that takes the retracted decisions of a relation off, and counts them.

    What was amended keeps its place in the figures of time: the same reading, at the
    same moment, with another judgement.
    """
    source = f"""
        SELECT d.*, -1 AS sign, r.kind = 'amend' OR d.supersedes_id IS NOT NULL
            AS is_amending
        FROM {made} r JOIN reviewqueue_decision d ON d.id = r.decision_id
    """  # noqa: S608 -- names of tables
    return f"""{_decision_facts(source)}
UNION ALL
SELECT d.workflow_id, (r.at AT TIME ZONE 'UTC')::date, s.site, '', '', 'retracted',
       '', r.kind, 1
FROM {made} r JOIN reviewqueue_decision d ON d.id = r.decision_id
CROSS JOIN LATERAL {_OF_ALL_AND_SITE.format(row="d")}
WHERE d.case_kind <> 'gold' AND s.site IS NOT NULL
"""  # noqa: S608 -- names of tables


def route_counts(made: str) -> str:
    """Return SQL that counts the routes of a relation."""
    return f"""
SELECT workflow_id, (routed_at AT TIME ZONE 'UTC')::date AS day, s.site, '' AS label,
       '' AS model, 'routes' AS figure, reason AS key, kind AS slot, 1 AS n
FROM {made} r CROSS JOIN LATERAL {_OF_ALL_AND_SITE.format(row="r")}
WHERE s.site IS NOT NULL
"""  # noqa: S608 -- names of tables


_TRUTH_FACTS = """
SELECT o.workflow_id, (o.created_at AT TIME ZONE 'UTC')::date AS day, s.site,
       '' AS label, '' AS model, f.figure,
       COALESCE(r.model_version_id::text, '') AS key,
       f.said || '>' || o.label AS slot, o.sign AS n
FROM ({source}) o
JOIN reviewqueue_route r ON r.item_id = o.item_id
LEFT JOIN LATERAL (
    SELECT label FROM reviewqueue_label x
    WHERE x.item_id = o.item_id AND x.version < (
        SELECT min(y.version) FROM reviewqueue_label y
        WHERE y.item_id = o.item_id AND y.source = 'outcome')
    ORDER BY x.version DESC LIMIT 1
) before ON true
CROSS JOIN LATERAL (VALUES
    ('said', NULLIF(r.label, '')),
    ('done', COALESCE(NULLIF(before.label, ''),
                      CASE WHEN r.kind = 'auto' THEN NULLIF(r.label, '') END))
) f(figure, said)
CROSS JOIN LATERAL {sites}
WHERE f.said IS NOT NULL AND s.site IS NOT NULL
"""


def truth_counts(made: str) -> str:
    """Return SQL that holds recommendations and what was done against late truth.

    `made` is a relation of labels. A later outcome takes the place of an earlier one.
    What was done about an item is the label that people gave it before, or the
    recommendation where that stood.
    """
    return _TRUTH_FACTS.format(
        sites=_OF_ALL_AND_SITE.format(row="r"),
        source=f"""
    SELECT workflow_id, item_id, label, created_at, 1 AS sign
    FROM {made} WHERE source = 'outcome'
    UNION ALL
    SELECT p.workflow_id, p.item_id, p.label, p.created_at, -1
    FROM {made} m
    CROSS JOIN LATERAL (
        SELECT * FROM reviewqueue_label p
        WHERE p.item_id = m.item_id AND p.version < m.version AND p.source = 'outcome'
        ORDER BY p.version DESC LIMIT 1
    ) p
    WHERE m.source = 'outcome'
""",  # noqa: S608 -- names of tables
    )


def early_truth_counts(made: str) -> str:
    """Return SQL for outcomes that were there before the route: `made` holds routes."""
    return _TRUTH_FACTS.format(
        sites=_OF_ALL_AND_SITE.format(row="r"),
        source=f"""
    SELECT DISTINCT ON (p.item_id) p.workflow_id, p.item_id, p.label, p.created_at,
           1 AS sign
    FROM reviewqueue_label p
    WHERE p.source = 'outcome' AND p.item_id IN (SELECT item_id FROM {made})
    ORDER BY p.item_id, p.version DESC
""",  # noqa: S608 -- names of tables
    )


# The pipeline holds these rows while it routes: wait for it, so that either the route
# is seen here, or the outcome there.
AWAIT_ROUTING = """
PERFORM 1 FROM predictions_pendingscore
WHERE item_id IN (SELECT item_id FROM made WHERE source = 'outcome')
ORDER BY item_id FOR UPDATE;
"""


def append_counts(facts: str) -> str:
    """Return SQL that appends what the facts sum up to."""
    return f"""
INSERT INTO reviewqueue_tally
    (workflow_id, day, site, label, model, figure, key, slot, n, is_loose)
SELECT workflow_id, day, site, label, model, figure, key, slot, sum(n), true
FROM ({facts}) facts
GROUP BY workflow_id, day, site, label, model, figure, key, slot
HAVING sum(n) <> 0;
"""  # noqa: S608 -- built here


def counting(*facts: str, first: str = "") -> pgtrigger.Trigger:
    """Return the trigger that counts what a statement appended, named `made` in it."""
    return pgtrigger.Trigger(
        name="count",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="made"),  # type: ignore[no-untyped-call]
        func=first + "".join(map(append_counts, facts)) + "RETURN NULL;",
    )
