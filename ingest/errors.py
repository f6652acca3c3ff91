class IngestError(Exception):
    """A whole import cannot go on: no such folder, no caption column, an unknown layout."""


class BadPicture(Exception):
    """One file is not an image that can be taken in; says why in a few words."""
