"""The listing of all data sets and pretrained models: facts only, so that it imports nothing heavy."""

from octavo.data.listing.articles import ARTICLES
from octavo.data.listing.digits import DIGITS
from octavo.data.listing.events import EVENTS
ENTRIES: tuple[Entry, ...] = (*LABELLED_SERIES, *SERIES, *EVENTS, *FIELDS, *ARTICLES, *DIGITS, *STORIES, *VISION, *TEXTS, *IMAGES, *MODELS)
