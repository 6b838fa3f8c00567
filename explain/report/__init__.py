"""What is taken home of a reading, as a page, a document or a DICOM object, and how is a whole folder reported?"""

from explain.report.report_input import Reading, Style

__all__ = ["Reading", "Style"]
