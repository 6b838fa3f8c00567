"""One series in a PACS: how to ask for it, and how to tell it from the others of its study."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Series:
    """One series that a search found. The identifiers are needed to fetch it, and are not shown."""

    study: str = field(repr=False)
    uid: str = field(repr=False)
    date: str  # YYYYMMDD, "" where unknown
    modality: str
    number: str
    description: str
    images: int  # 0 where the PACS does not say

    @property
    def title(self) -> str:
        """One line that tells it from the others of its study, what differs most first."""
        day = f"{self.date[:4]}-{self.date[4:6]}-{self.date[6:]}" if len(self.date) == 8 else ""
        images = {0: "", 1: "1 image"}.get(self.images, f"{self.images} images")
        name = f"series {self.number}" if self.number else "series"
        return ", ".join(filter(None, (self.description, name, images, self.modality, day)))
