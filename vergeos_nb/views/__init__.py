"""Show results: as DataFrames with fixed columns, and as one bundle of HTML and plain text.

No widgets here. Everything is escaped once: control characters by `text.visible`, HTML by the templates.
"""
