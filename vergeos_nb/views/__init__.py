"""The look of results: DataFrames with fixed columns, and one bundle of HTML and plain text.

Knows no widgets. Everything is escaped once, in ``text.visible`` for control characters and in the template
for HTML.
"""
