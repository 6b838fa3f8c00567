"""Errors of the model zoo as sentences of a page."""


def sentence_of(error: str) -> str:
    """Return an error as a sentence: with a capital at its beginning and a full stop at its end.

    >>> sentence_of("the archive has no scans; send another")
    'The archive has no scans; send another.'
    """
    return f"{error[:1].upper()}{error[1:].rstrip('.')}."
