"""Sphinx: the administrator's guide as HTML and the manual pages, from one source."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "extension")]

from vcycle import __version__  # noqa: E402

project = "Vcycle"
author = "The Vcycle developers"
copyright = "the Vcycle developers"
release = version = __version__
extensions = ["reference"]
exclude_patterns = ["extension", "static", "_build"]
nitpicky = True
smartquotes = False
html_theme = "alabaster"
html_theme_options = {
    "description": "Ephemeral virtual machines by the vacuum model",
    "fixed_sidebar": True,
    "page_width": "1180px",
    "sidebar_width": "270px",
    "font_family": "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif",
    "head_font_family": "inherit",
    "code_font_family": "ui-monospace, 'DejaVu Sans Mono', monospace",
    "font_size": "16px",
    "show_relbars": True,
    "show_powered_by": False,
}
# custom.css, which the theme looks for.
html_static_path = ["static"]
html_title = "Vcycle"
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
man_pages = [
    ("man/vcycle", "vcycle", "look at and steer Vcycle", author, 1),
    ("man/vcycled", "vcycled", "keep hypervisors full of ephemeral machines", author, 8),
    ("man/vcycle.conf", "vcycle.conf", "configuration of Vcycle", author, 5),
    ("man/check-vcycled", "check-vcycled", "Nagios check of Vcycle", author, 8),
]
man_show_urls = False
today_fmt = "%Y-%m-%d"
