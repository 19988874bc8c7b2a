"""The workflow and the key of the other tests of the API."""

from tests.reviewqueue.api.conftest import call as call
from tests.reviewqueue.api.conftest import key as key
from tests.reviewqueue.api.conftest import live as live
