"""A ranking for the web: one folder of static pages from one or several folders of results.

:mod:`.source` reads a folder, :mod:`.entries` makes one of runs that several folders have alike,
:mod:`.boards` ranks those that can be compared, and :mod:`.write` makes the pages and the files
beside them.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
