"""The procedures: what is done to a VM, in which order, behind which guards, on which evidence.

Nothing here knows HTTP, screens, widgets or the terminal. Other rooms are used through the protocols in
``values.protocols``.
"""
