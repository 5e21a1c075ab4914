"""Report important events of a run while it goes on, to syslog (RFC 5424) or as JSON to an HTTP collector.

The modules; each uses only those above it:

    target         where messages go, read from ``VERGEOS_NB_FORWARD``
    told_lines     turns a journal line or a seal into a message
    syslog         sends RFC 5424 over a Unix socket, UDP, TCP or TLS
    collector      sends to an HTTP collector
    delivery_mark  up to which line a run was delivered, and since when the target fails
    run_lines      reads the new lines of a journal
    delivery       delivers what is not delivered yet
    follower       the thread that delivers while a run goes on

The journal's file is the queue, and nothing is kept in memory. Messages that could not be delivered, because
the target failed or the process died, are delivered later: after the seal, by the next run or by `vergeos-nb
audit forward`. No error of this package ends a run.
"""
