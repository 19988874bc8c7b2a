"""Keeping the counts behind the figures small, in the background."""

from celery import shared_task

from reviewqueue.services.tallies import merge_tallies as merge_tallies_service


@shared_task(name="reviewqueue.merge_tallies")
def merge_tallies(**kwargs: object) -> int:
    """Merge the counts that have piled up."""
    return merge_tallies_service()
