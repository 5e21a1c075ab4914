"""The procedures: what is done to a VM, in which order, behind which guards, on which evidence.

Nothing here knows HTTP, tables on a screen, widgets or the terminal. Other rooms are reached through the
protocols in ``values.protocols``.
"""
