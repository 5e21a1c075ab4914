"""The answer of ``vergeos-nb audit verify PATH``, over one exported record."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from vergeos_nb.archive.exported.one_record import Trust, check_one
from vergeos_nb.archive.exported.sayings import not_vouched, vouched
from vergeos_nb.archive.ledger.ledger import Head
from vergeos_nb.archive.signing.allowed_signers import AllowedSigners
from vergeos_nb.archive.signing.timestamps import Authorities
from vergeos_nb.cli.output import Output


def verify_one(
    path: Path,
    head: Head | None,
    allowed: AllowedSigners | None,
    authorities: Authorities | None,
    output: Output,
) -> int:
    """Say what one exported record can vouch for. Returns 3 if anything in it is wrong, else 0."""
    trust = Trust(head, allowed, authorities)
    evidence = check_one(path, trust)
    findings, own = evidence.findings, evidence.own
    yes, no = vouched(evidence, trust), not_vouched(evidence, trust)
    record = own.record if own else path.name
    for finding in findings:
        output.line(f"✘ {finding.kind}  {finding.where}: {finding.detail}")
    for note in evidence.found.notes:
        output.line(f"· {note}")
    if findings:
        output.line(f"✘ {record}: {len(findings)} wrong. Keep a copy as it is.")
    else:
        output.line(f"✔ {record}: everything in it is as it was sealed.")
    for what in yes:
        output.line(f"  Vouched for: {what}.")
    for one in no:
        how = f" (to have it, {one.to_have_it})" if one.to_have_it else ""
        output.line(f"  Not vouched for: {one.what}{how}.")
    code = 3 if findings else 0
    output.result(
        {
            "record": record,
            "vouched": list(yes),
            "not_vouched": [asdict(one) for one in no],
            "findings": [asdict(finding) for finding in findings],
            "notes": evidence.found.notes,
            "exit_code": code,
        }
    )
    return code
