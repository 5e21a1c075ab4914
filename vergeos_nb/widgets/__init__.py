"""Cards: what a person sees and clicks in a live notebook. They show and ask, and decide nothing.

`card_host.Desk` is everything that a card may ask of its run. `cards.card` is the card of a step; the other
modules of `cards` are the cards that do more. One card is open, the others are a line. A static view lies in
the cell beside each card, so a saved notebook holds evidence. Only `job` starts threads. They set traits and
update displays, and neither can land in another cell.
"""
