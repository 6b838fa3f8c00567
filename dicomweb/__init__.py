"""A PACS over DICOMweb: find a series (QIDO), fetch its files (WADO), send results back (STOW).

What talks to the server is in `dicomweb.transfer`, which a page imports when it is needed.
"""

from dicomweb.series import Series
from dicomweb.server import PacsError, Server, server_from

__all__ = ["PacsError", "Series", "Server", "server_from"]
