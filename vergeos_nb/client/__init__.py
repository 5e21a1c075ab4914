"""The client: one VergeOS system over HTTPS.

Its modules, from the outside in:

    verge_api              one method per endpoint, typed keys in, records out
    evidence_reads         reads that give evidence about a machine
    changing               the changing calls
    preview                the requests of a call, without sending them
    decoded_rows           rows checked field by field
    error_bodies           what an error answer says
    scrub                  texts without secrets
    whole_tables.*         whole tables in few calls, as columns
    transport.wire         sends, once or repeated, and makes an exchange of every attempt
    transport.answer       receives and judges an answer
    transport.decoding     bytes into JSON, within bounds
    transport.deadline     one time limit for a whole request
    transport.limited      the transport that keeps it
    transport.outside      one request to another service's host
    transport.retries      when and how often a read is repeated
    transport.login        the three ways to log in
    transport.network      authorities, proxies, time limits
    transport.proxies      which proxy is on the way to a host
    transport.failures     every failure as an error of our tree
    transport.connecting   failures before a connection was made
"""
