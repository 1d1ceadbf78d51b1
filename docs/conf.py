"""How Sphinx makes the site: `make docs`. The pages are Markdown (MyST), the look is Furo's."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from event_streamer_sdk import __version__  # noqa: E402 - the path of `tools` has to be known first

project = "event-streamer-sdk"
author = "the authors of event-streamer-sdk"
html_show_copyright = False
release = version = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "tools.site",
]
exclude_patterns = ["_diagrams"]
suppress_warnings: list[str] = []  # none: a warning is an error
nitpicky = False  # names of other libraries in type hints have no page here

# --- Markdown ----------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]
myst_url_schemes = {"http": None, "https": None, "mailto": None, "copy": {"url": "{{path}}"}}
myst_heading_anchors = 3  # anchors as GitHub makes them, so a link works there and here
highlight_language = "text"
smartquotes = False  # they would make dashes of `--follow`, and curl quotes that are to be typed
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

# --- docstrings --------------------------------------------------------------------------------

autodoc_class_signature = "mixed"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
default_role = "code"  # docstrings mark code as Markdown does, with single backticks
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

# --- the look ----------------------------------------------------------------------------------

html_theme = "furo"
toc_object_entries_show_parents = "hide"  # `close()`, not `EventStreamer.close()`: the column is narrow
pygments_dark_style = "monokai"  # the usual one underlines modules as if they were links
html_title = "event-streamer-sdk"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = True  # llms.txt leads to the pages' Markdown
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
