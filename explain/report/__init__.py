"""Reports of one scan, as HTML, PDF or DICOM, and of a whole folder."""

from explain.report.report_input import ReportInput

__all__ = ["ReportInput"]
