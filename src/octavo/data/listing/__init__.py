"""The listing of all data sets and pretrained models: facts only, so that it imports nothing heavy."""

from octavo.data.listing.articles import ARTICLES
from octavo.data.listing.digits import DIGITS
from octavo.data.listing.events import EVENTS
from octavo.data.listing.fields import FIELDS
from octavo.data.listing.images import IMAGES
from octavo.data.listing.judged_texts import JUDGED_TEXTS
from octavo.data.listing.labelled_series import LABELLED_SERIES
from octavo.data.listing.models import MODELS
from octavo.data.listing.series import SERIES
from octavo.data.listing.stories import STORIES
from octavo.data.listing.texts import TEXTS
from octavo.data.listing.vision import VISION
from octavo.data.registry import Entry

ENTRIES: tuple[Entry, ...] = (
    *LABELLED_SERIES,
    *SERIES,
    *EVENTS,
    *FIELDS,
    *ARTICLES,
    *DIGITS,
    *STORIES,
    *VISION,
    *TEXTS,
    *JUDGED_TEXTS,
    *IMAGES,
    *MODELS,
)
