"""Cards: what a person sees and clicks in a live notebook. They show and ask, and decide nothing.

Its modules, from the ground up:

    card_host         everything that a card may ask of its run
    job               work in a thread, so that a click is answered at once
    comms             the kernel handles messages in its main shell, so no click is lost after a reload
    page              scripts and styles that run in the page
    guarded_button    a button that reports an unanswered press; dangerous ones ignore Enter
    screen            puts bundles on the screen
    parts             the small pieces that cards are made of
    forms             input fields for a runbook's parameters
    calls             the requests that each step is going to send
    message           the message about a click, and how long it is shown
    teaching          the words of a card, from its notebook
    card_head         the head of a card as HTML
    header            the header of the run as HTML
    guide             shows the header, and brings a person from card to card
    picker            finds a VM among ten thousand
    cards.waiting     what a card shows while its step runs
    cards.two_places  what a saved notebook keeps of a card, and the live card
    ways_on           what to do after a run: buttons that open a notebook with its parameters
    cards.waiting     what a card shows while its step runs
    cards.two_places  what a saved notebook keeps of a card, and the live card
    cards.ways_out    the ways out of a step that did not end as it should
    cards.card        one step: shows, sends, waits, shows the result
    cards.connection  the first card: which system, and as whom
    cards.locate      finds the VM
    cards.verify      four values are compared and ticked
    cards.approval    the plan is read, changed and approved
    cards.plan_in_words  what a plan will do and what it does not open, for its card
    cards.closing     the last card: ends the run and shows its record
    cards.by_step     which card belongs to which step

One card is open, the others are a line. A static view lies in the cell beside each card, so a saved notebook
holds evidence. Only ``job`` starts threads. They set traits and update displays, and neither can land in
another cell.
"""
