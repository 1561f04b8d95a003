"""One HTML file that says how a run went and how good it is, and opens anywhere offline."""

from alexnet.report.builder import REPORT, report

__all__ = ["REPORT", "report"]
