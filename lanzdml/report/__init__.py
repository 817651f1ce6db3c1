"""The report: all results of a run as one HTML page that needs nothing but a browser."""
