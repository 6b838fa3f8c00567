"""Reading and describing the labelled collections: cards, records, splits, near-duplicates, audits."""
