"""Whose recommendation is met: the champion's, or a challenger's for its share."""

from predictions.services.scoring import Said, ScoredItem
from reviewqueue.trust.sampling import draw, part_of

PURPOSE = "challenger"


def recommended(said: Said, *, seed: int) -> list[ScoredItem]:
    """Return what is recommended for each item, in order; writes nothing.

    Each challenger has its share of the items by a draw of their ids: with the same
    seed and shares the same items. Where it said nothing, the champion's stands.
    Without a champion nobody recommends: a challenger was not made to stand alone.
    """
    shares = [version.route_share for version, _ in said.by_challenger]
    if not any(shares):
        return said.by_champion
    return [
        _of_item(
            said, at, part_of(draw(one.item_id, seed=seed, purpose=PURPOSE), shares)
        )
        for at, one in enumerate(said.by_champion)
    ]


def _of_item(said: Said, at: int, part: int | None) -> ScoredItem:
    champions = said.by_champion[at]
    if part is None or champions.failure == "no_champion":
        return champions
    challengers = said.by_challenger[part][1][at]
    return challengers if challengers.recommendation else champions
