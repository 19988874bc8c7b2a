"""The triggers that keep observations: what is said elsewhere, noted as it is said."""

import pgtrigger

# Who has judged blind sees the recommendation then, and may undo or amend: what was
# said before counts, unless an adjudication or late truth says otherwise.
_LABEL = """
SELECT v.item_id, v.version, v.created_at, v.field_errors,
       v.label <> '' AND v.source = 'decision' AND r.blind AS is_blind,
       NULLIF(v.label, '') <> r.label OR (
           v.label <> '' AND v.source = 'decision' AND r.blind AND EXISTS (
               SELECT FROM reviewqueue_decision b
               JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'
               WHERE k.item_id = v.item_id AND b.blind
                 AND b.label <> '' AND b.label <> r.label
           )
       ) AS is_error,
       d.reviewer_id
FROM {source} v
JOIN reviewqueue_route r ON r.item_id = v.item_id
LEFT JOIN reviewqueue_decision d ON d.id = v.decision_id
"""


# Of segment `s` and what is known of its item `n`; as for the label, what was said
# blind counts.
_FIELD_IS_WRONG = """
(n.field_errors ->> s.field)::boolean OR (n.is_blind AND EXISTS (
    SELECT FROM reviewqueue_decision b
    JOIN reviewqueue_case k ON k.id = b.case_id AND k.kind = 'review'
    WHERE k.item_id = n.item_id AND b.blind AND s.field = ANY(b.corrected)
))
"""


def observe_cases(made: str) -> str:
    """Return SQL that files the cases of a relation; late truth may have come first."""
    newest = _LABEL.format(
        source="""(
        SELECT * FROM reviewqueue_label l WHERE l.item_id = c.item_id
        ORDER BY l.version DESC LIMIT 1
    )"""
    )
    return f"""
INSERT INTO reviewqueue_observation
    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,
     labelled_at, label_version, is_error, reviewer_id)
SELECT c.id, c.item_id, r.segment_id, r.routed_at, c.due_at, r.draw, r.blind,
       (SELECT min(e.at) FROM reviewqueue_caseevent e
        WHERE e.case_id = c.id AND e.kind = 'claimed'),
       n.created_at, COALESCE(n.version, 0), n.is_error, n.reviewer_id
FROM {made} c
JOIN reviewqueue_route r ON r.item_id = c.item_id
    AND r.kind = 'review' AND r.segment_id IS NOT NULL
    AND (r.parts IS NULL OR r.draw < r.part_probabilities[1])
LEFT JOIN LATERAL ({newest}) n ON true
WHERE c.kind = 'review';
INSERT INTO reviewqueue_fieldobservation
    (case_id, item_id, segment_id, routed_at, due_at, draw, is_blind, claimed_at,
     labelled_at, label_version, is_error, reviewer_id)
SELECT c.id, c.item_id, s.id, r.routed_at, c.due_at, r.draw, r.blind,
       (SELECT min(e.at) FROM reviewqueue_caseevent e
        WHERE e.case_id = c.id AND e.kind = 'claimed'),
       n.created_at, COALESCE(n.version, 0), {_FIELD_IS_WRONG}, n.reviewer_id
FROM {made} c
JOIN reviewqueue_route r ON r.item_id = c.item_id
    AND r.kind = 'review' AND r.parts IS NOT NULL
CROSS JOIN LATERAL unnest(r.parts, r.part_probabilities) AS part(id, share)
JOIN reviewqueue_segment s ON s.id = part.id AND s.field <> ''
LEFT JOIN LATERAL ({newest}) n ON true
WHERE c.kind = 'review' AND r.draw < part.share;
"""  # noqa: S608 -- names of tables


# Of two claims the earlier counts, whichever commits first.
_OBSERVE_CLAIM = """
UPDATE reviewqueue_observation SET claimed_at = NEW.at
WHERE case_id = NEW.case_id AND (claimed_at IS NULL OR claimed_at > NEW.at);
UPDATE reviewqueue_fieldobservation SET claimed_at = NEW.at
WHERE case_id = NEW.case_id AND (claimed_at IS NULL OR claimed_at > NEW.at);
RETURN NULL;
"""
_NEWEST = """
    SELECT DISTINCT ON (item_id) * FROM ({of_all}) of_all
    ORDER BY item_id, version DESC
"""
_NEWEST_LABELS = _NEWEST.format(of_all=_LABEL.format(source="made"))
# Most labels are of items in which no field is observed: nothing more is read of those.
_OF_FIELDS = """(
    SELECT m.* FROM made m WHERE EXISTS (
        SELECT FROM reviewqueue_fieldobservation f WHERE f.item_id = m.item_id)
)"""
_NEWEST_OF_FIELDS = _NEWEST.format(of_all=_LABEL.format(source=_OF_FIELDS))
_OBSERVE_LABELS = f"""
UPDATE reviewqueue_observation o
SET label_version = n.version, labelled_at = n.created_at, is_error = n.is_error,
    reviewer_id = n.reviewer_id
FROM ({_NEWEST_LABELS}) n
WHERE o.item_id = n.item_id AND o.label_version < n.version;
UPDATE reviewqueue_fieldobservation o
SET label_version = n.version, labelled_at = n.created_at, reviewer_id = n.reviewer_id,
    is_error = {_FIELD_IS_WRONG}
FROM ({_NEWEST_OF_FIELDS}) n, reviewqueue_segment s
WHERE o.item_id = n.item_id AND o.label_version < n.version AND s.id = o.segment_id;
RETURN NULL;
"""  # noqa: S608 -- our own text


def observing_cases() -> pgtrigger.Trigger:
    """Return the trigger that files what is sent to people."""
    return _after_statement(f"{observe_cases('made')}RETURN NULL;")


def observing_labels() -> pgtrigger.Trigger:
    """Return the trigger that notes what became true.

    Late truth waits for an item that is being routed before this: `AWAIT_ROUTING`, in
    a trigger whose name comes first.
    """
    return _after_statement(_OBSERVE_LABELS)


def observing_claims() -> pgtrigger.Trigger:
    """Return the trigger that notes when a case was first claimed."""
    return pgtrigger.Trigger(
        name="observe",
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        condition=pgtrigger.Q(new__kind="claimed"),
        func=_OBSERVE_CLAIM,
    )


def _after_statement(func: str) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name="observe",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="made"),  # type: ignore[no-untyped-call]
        func=func,
    )
