"""What matters of a run, told while it happens: to syslog (RFC 5424), or to an HTTP collector as JSON.

Its modules, from the ground up:

    target         where messages go, read from ``VERGEOS_NB_FORWARD``
    told_lines     a journal's line as a message, and the message of a seal
    syslog         RFC 5424 over a Unix socket, UDP, TCP or TLS
    collector      an HTTP collector
    delivery_mark  up to which line a run was delivered, and since when the target does not take anything
    run_lines      reads a journal on from where the last reading ended
    delivery       delivers what is not delivered yet
    follower       the thread that does so while a run goes on

The journal's file is the queue: nothing is kept in memory, and what an outage or a death left undelivered is
delivered later, by the seal, the next run or `vergeos-nb audit forward`. No error of this room ends a run.
"""
