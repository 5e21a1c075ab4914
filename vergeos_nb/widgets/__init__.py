"""Cards: what a person sees and clicks in a live notebook. They show and ask, and decide nothing.

Its modules, from the ground up:

    desk        what a card may ask of the run it belongs to
    job         work in a thread of its own, so that a click is answered at once
    comms       where the kernel handles what a page sends, so that no reload makes a click be lost
    press       a button that says when it was not answered, and that Enter does not press where it must not
    screen      where a bundle is put on the screen
    parts       the small pieces that cards are made of
    forms       input fields for a runbook's parameters
    calls       what each step is going to send
    message     what a card says of something that was done on it, and for how long
    face        the head of a card as HTML
    card        one step: shows, sends, waits, shows what came back
    connection  the first card: which system, and as whom
    picker      a VM among ten thousand
    locate      the card that finds the VM
    verify      the card on which four things are ticked
    approval    the card on which a plan is approved
    closing     the last card: ends the run and shows its record
    cards       which card belongs to which step

A live card is replaced by the step's static view when its step has ended, so that a saved notebook holds
evidence and no dead widget. Only ``job`` starts threads, and they touch the screen by setting traits and by
updating displays: neither can land in another cell.
"""
