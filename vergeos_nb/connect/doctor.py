"""Check that a system can be reached, who the user is, what the user may do, and the clock. Changes nothing.

The checks follow each other from the name to the API. The first failure ends the list and says what to do,
because the later checks cannot work either.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from vergeos_nb.client.decoded_rows import rows_of
from vergeos_nb.client.scrub import visible
from vergeos_nb.client.transport import connecting
from vergeos_nb.client.transport.deadline import addresses
from vergeos_nb.client.transport.network import tls_context
from vergeos_nb.client.transport.proxies import proxy_address, proxy_for
from vergeos_nb.client.transport.wire import Wire
from vergeos_nb.client.verge_api import VergeApi
from vergeos_nb.clock import Clock, SystemClock, iso
from vergeos_nb.connect.simulated import open_profile
from vergeos_nb.errors import PermissionDenied, VergeNbError
from vergeos_nb.masking import masked
from vergeos_nb.settings import AmbientNetwork, Profile, ambient_network, load_profile, split_host
from vergeos_nb.vergeos.rows import SystemInfo

SKEW_WARNED_S = 5.0
"""Seconds. With a larger difference of the clocks, the record's times are hard to compare with the system's
logs."""

EXPIRY_WARNED_S = 14 * 86_400.0
SIGNS = {True: "✔", False: "✘", None: "?"}
CONNECT_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of the diagnosis.

    Attributes:
        ok: True, False, or None for a warning or an unknown result.
        exit_code: the exit code of the command line if `ok` is False.
    """

    name: str
    ok: bool | None
    detail: str
    next_step: str = ""
    exit_code: int = 0


def diagnose(
    profile_name: str,
    *,
    environ: Mapping[str, str] | None = None,
    home: Path | None = None,
    clock: Clock | None = None,
    known: Callable[[Profile, SystemInfo], str] | None = None,
) -> list[Diagnosis]:
    """All checks of a profile. Nothing on the system is changed.

    Args:
        environ: used instead of the process's environment.
        home: used instead of the user's home directory.
        clock: our clock.
        known: returns in words how much was measured of the platform that answers.
    """
    findings: list[Diagnosis] = []
    with closing(_layers(profile_name, environ, home, clock or SystemClock(), known)) as layers:
        for finding in layers:
            findings.append(_shown(finding))
            if finding.ok is False:
                break
    return findings


def _shown(finding: Diagnosis) -> Diagnosis:
    """The finding, masked, because a system can repeat a secret that was sent to it."""
    return replace(finding, detail=masked(finding.detail), next_step=masked(finding.next_step))


def exit_code(findings: Sequence[Diagnosis]) -> int:
    """The exit code of the command line: 0, or the code of the first bad finding."""
    return next((finding.exit_code for finding in findings if finding.ok is False), 0)


def _layers(
    name: str,
    environ: Mapping[str, str] | None,
    home: Path | None,
    clock: Clock,
    known: Callable[[Profile, SystemInfo], str] | None,
) -> Generator[Diagnosis, None, None]:
    layer = "settings"
    try:
        with ExitStack() as stack:
            profile = stack.enter_context(
                open_profile(load_profile(name, environ=environ, home=home), environ=environ)
            )
            yield Diagnosis(layer, True, f"{profile.name!r}, {profile.source}; host {profile.host}")
            for warning in profile.warnings:
                yield Diagnosis("warning", None, warning)
            network = ambient_network(environ)
            for look in (_name, _connection, _certificate):
                layer = look.__name__.lstrip("_")
                yield look(profile, network, clock)
            layer = "API"
            api = stack.enter_context(VergeApi(Wire(profile, network=network, clock=clock)))
            system = api.system()
            yield _system(system)
            layer = "user"
            yield _user(api, profile)
            for table in ("vms", "machine_status"):
                layer = f"may I read {table}"
                asked = f"reading {table}"
                data = api.wire.read(table, asked=asked, fields="$key", limit="1")
                yield _readable(layer, rows_of(data, table, asked))
            yield _writable(api)
            yield _clocks(system)
            if known is not None:
                yield _platform(known(profile, system))
    except VergeNbError as failure:
        yield Diagnosis(layer, False, failure.came_back, failure.next_step, failure.exit_code)


def _peer(profile: Profile, network: AmbientNetwork) -> tuple[str, int, str]:
    """The first peer of a connection: name, port, and its description."""
    proxy = proxy_for(profile.host, network)
    if proxy is None:
        return *split_host(profile.host), profile.host
    address = proxy_address(proxy)
    return *split_host(address), f"the proxy {address}"


def _name(profile: Profile, network: AmbientNetwork, clock: Clock) -> Diagnosis:
    name, port, called = _peer(profile, network)
    try:
        found = addresses(name, port, CONNECT_LIMIT_S)
    except (OSError, UnicodeError) as failure:
        return _not_connected("name", failure, called)
    return Diagnosis("name", True, f"{called}: {', '.join(sorted(found))}")


def _connection(profile: Profile, network: AmbientNetwork, clock: Clock) -> Diagnosis:
    name, port, called = _peer(profile, network)
    began = clock.monotonic()
    try:
        socket.create_connection((name, port), timeout=CONNECT_LIMIT_S).close()
    except OSError as failure:
        return _not_connected("connection", failure, called)
    elapsed_ms = (clock.monotonic() - began) * 1000
    return Diagnosis("connection", True, f"{called} took it within {elapsed_ms:.0f} ms")


def _certificate(profile: Profile, network: AmbientNetwork, clock: Clock) -> Diagnosis:
    name, port, called = _peer(profile, network)
    context = tls_context(profile, network)
    if proxy_for(profile.host, network) is not None:
        return Diagnosis("certificate", None, "seen by the next call only, as the way goes through a proxy")
    try:
        with (
            socket.create_connection((name, port), timeout=CONNECT_LIMIT_S) as plain,
            context.wrap_socket(plain, server_hostname=name.partition("%")[0]) as connection,
        ):
            encoded = connection.getpeercert(binary_form=True) or b""
            protocol = connection.version()
    except OSError as failure:
        return _not_connected("certificate", failure, called)
    return _validity(encoded, f"{protocol}", profile.verify, clock)


def _validity(encoded: bytes, protocol: str, verified: bool, clock: Clock) -> Diagnosis:
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(encoded)
    issuer = visible(certificate.issuer.rfc4514_string())
    until = certificate.not_valid_after_utc.timestamp()
    detail = f"{protocol}, issued by {issuer}, until {iso(until)}"
    if not verified:
        return Diagnosis(
            "certificate",
            None,
            f"NOT CHECKED, the profile opted out; it says: {detail}",
            "Give the authority as VERGE_CA_FILE (ca_file in a profile) and check certificates again.",
        )
    if until - clock.now() < EXPIRY_WARNED_S:
        return Diagnosis("certificate", None, f"checked; {detail}", "It ends soon: renew it on the system.")
    return Diagnosis("certificate", True, f"checked; {detail}")


def _not_connected(layer: str, failure: Exception, called: str) -> Diagnosis:
    kind, came_back, next_step = connecting.explain(failure, called, called)
    return Diagnosis(layer, False, came_back, next_step, kind.exit_code)


def _system(system: SystemInfo) -> Diagnosis:
    kind = "SIMULATED" if system.simulated else "REAL"
    name, version = visible(system.cloud_name), visible(system.version)
    return Diagnosis("API", True, f"{kind} system {name!r}, version {version}")


def _user(api: VergeApi, profile: Profile) -> Diagnosis:
    credentials = profile.credentials
    if credentials is None or credentials.username is None:
        return Diagnosis("user", None, "a token or API key was accepted; the API does not say whose it is")
    try:
        account = api.account(credentials.username)
    except PermissionDenied:
        account = None
    if account is None:
        return Diagnosis(
            "user", None, f"{credentials.username!r} was let in, but is not shown its own row of users"
        )
    state = "" if account.enabled else ", DISABLED"
    return Diagnosis("user", True, f"{account.name!r}, type {visible(account.type) or 'unknown'}{state}")


def _readable(layer: str, rows: object) -> Diagnosis:
    if rows == []:
        return Diagnosis(
            layer,
            None,
            "yes, but no row came: there are none, or this user is not shown any",
            "If there are VMs, ask an administrator for the list and read permissions.",
        )
    return Diagnosis(layer, True, "yes")


def _writable(api: VergeApi) -> Diagnosis:
    rights = api.own_rights()
    if rights.may_change:
        return Diagnosis("may I write", True, rights.words)
    return Diagnosis(
        "may I write",
        None,
        f"{rights.words}; it cannot be tried without changing something",
        "The power-off needs the modify permission; default users have list and read only.",
    )


def _platform(words: str) -> Diagnosis:
    if words.startswith("none"):
        advice = "measure it in a minute: vergeos-nb conformance, best with a test VM that may be lost"
        return Diagnosis("platform", None, words, advice)
    return Diagnosis("platform", True, words)


def _clocks(system: SystemInfo) -> Diagnosis:
    if system.clock_skew_s is None:
        return Diagnosis(
            "clock", None, "the system's answers carry no time, so the clocks cannot be compared"
        )
    ahead = "ahead of" if system.clock_skew_s > 0 else "behind"
    detail = f"the system's clock is {abs(system.clock_skew_s):.1f} s {ahead} ours (to about a second)"
    if abs(system.clock_skew_s) > SKEW_WARNED_S:
        next_step = "set both clocks by NTP; until then times in records do not match the system's logs"
        return Diagnosis("clock", None, detail, next_step)
    return Diagnosis("clock", True, detail)
