"""What the stub refuses, in the families that Vespa answers differently."""


class BadQuery(Exception):
    """A search that is wrong: becomes `root.errors` with a code and the status it maps to."""

    def __init__(self, message: str, code: int = 4, summary: str = "Invalid query parameter"):
        super().__init__(message)
        self.code = code
        self.summary = "Illegal query" if code == 3 else summary


class BadPackage(Exception):
    """An application package that may not be deployed."""


class BadDocument(Exception):
    """A document operation that fails; `status` is the one of /document/v1."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


class BadExpression(ValueError):
    """A ranking expression that cannot be read or computed."""
