"""Alerts held against labels: what was found, what was missed, what was wrong and how late."""
