"""The statement that claims, for all sites and for some; free cases, or any."""

# One statement: the lowest free lease slot, the first case of the total order that
# this person may have, its lease and its event. What a supervisor reserved for them
# comes first. Expired leases count as waiting, so no sweep is needed; what was snoozed
# until now is woken before anything is claimed. The conditions are spelled out in the
# words of the partial indexes.
_CANDIDATE = """
    SELECT c.id, c.status{more} FROM reviewqueue_case c
    WHERE c.workflow_id = %(workflow)s AND c.queue = %(queue)s
      AND c.status IN ('pending', 'leased')
      AND (c.status = 'pending' OR c.lease_expires_at <= %(now)s)
      AND {mine}
      AND c.excluded_reviewer_id IS DISTINCT FROM %(reviewer)s
      AND NOT EXISTS (SELECT 1 FROM reviewqueue_caseskip s
                      WHERE s.case_id = c.id AND s.reviewer_id = %(reviewer)s)
      AND (SELECT slot FROM free) IS NOT NULL AND NOT (SELECT is_due FROM due)
    ORDER BY c.priority DESC, c.due_at, c.id
    LIMIT 1
    {lock}
"""
_CLAIM = """
WITH free AS MATERIALIZED (
    SELECT min(slot) AS slot FROM generate_series(1, %(max_leases)s) slot
    WHERE slot NOT IN (SELECT lease_slot FROM reviewqueue_case
                       WHERE leased_by_id = %(reviewer)s AND status = 'leased'
                         AND workflow_id = %(workflow)s)
), due AS MATERIALIZED (
    SELECT NOT %(is_woken)s AND EXISTS (
        SELECT 1 FROM reviewqueue_case
        WHERE workflow_id = %(workflow)s AND status = 'snoozed'
          AND snoozed_until <= %(now)s) AS is_due
), reserved AS MATERIALIZED ({reserved}
), unreserved AS MATERIALIZED ({unreserved}
), claimed AS (
    UPDATE reviewqueue_case c
    SET status = 'leased', leased_by_id = %(reviewer)s, lease_token = %(token)s,
        lease_slot = (SELECT slot FROM free), leased_at = %(now)s,
        lease_expires_at = %(expires)s, opened_at = NULL
    FROM (SELECT * FROM reserved UNION ALL SELECT * FROM unreserved) next
    WHERE c.id = next.id
    RETURNING c.id, next.status
), noted AS (
    INSERT INTO reviewqueue_caseevent (id, case_id, workflow_id, kind, actor_id,
        from_status, to_status, reason, at)
    SELECT %(event)s, id, %(workflow)s, 'claimed', %(reviewer)s, status, 'leased',
        CASE status WHEN 'leased' THEN 'the lease of its holder had expired'
                    ELSE '' END, %(now)s
    FROM claimed
)
SELECT (SELECT slot FROM free), (SELECT is_due FROM due), (SELECT id FROM claimed)
"""


# For people who are limited to sites: the head of each site's queue, the best first,
# each found by the index of its site; then the first case of that site that nobody is
# just taking, and of the next site only where there is none. One row is locked.
_OF_SITES = """
    SELECT found.id, found.status FROM (
        SELECT head.* FROM unnest(%(sites)s::uuid[]) site(id)
        CROSS JOIN LATERAL ({head}) head
        ORDER BY head.priority DESC, head.due_at, head.id
        OFFSET 0
    ) head
    CROSS JOIN LATERAL ({candidate}) found
    LIMIT 1
"""
_MINE = "c.assigned_to_id = %(reviewer)s"
_FREE = "c.assigned_to_id IS NULL AND NOT EXISTS (SELECT 1 FROM reserved)"


def _candidate(mine: str, lock: str, *, more: str = "") -> str:
    return _CANDIDATE.format(mine=mine, lock=lock, more=more)


def _statements(locked: str) -> tuple[str, str]:
    """Return the claim of who is limited to no sites, and of who is to some."""
    lock = f"FOR UPDATE OF c {locked}"
    of_sites = _OF_SITES.format(
        head=_candidate(
            f"{_FREE} AND c.site_id = site.id",
            "",
            more=", c.site_id, c.priority, c.due_at",
        ),
        candidate=_candidate(f"{_FREE} AND c.site_id = head.site_id", lock),
    )
    mine = f"{_MINE} AND c.site_id = ANY(%(sites)s::uuid[])"
    return (
        _CLAIM.format(
            reserved=_candidate(_MINE, lock), unreserved=_candidate(_FREE, lock)
        ),
        _CLAIM.format(reserved=_candidate(mine, lock), unreserved=of_sites),
    )


# Each for people without a limit, and for people with one.
CLAIM_FREE = _statements("SKIP LOCKED")
CLAIM_OR_WAIT = _statements("")
