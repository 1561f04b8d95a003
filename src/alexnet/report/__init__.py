"""Write the report of a run as one HTML file that opens offline."""

from alexnet.report.builder import REPORT, write_report

__all__ = ["REPORT", "write_report"]
