"""
Look for known weaknesses of the packages that are installed, with pip-audit, and say what was looked at.

    python tools/audit.py [pip-audit's options …]

A mirror of the package index may know no weaknesses. pip-audit then passes over each package and succeeds,
which reads as if nothing was wrong; here that is a failure of its own.

Exit codes: 0 nothing is known, 1 weaknesses were found, 2 nothing could be looked up.
"""

import json
import subprocess
import sys


def main(arguments: list[str]) -> int:
    """Run pip-audit, and print its result."""
    command = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off"]
    done = subprocess.run(
        [*command, "--format", "json", *arguments], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        print(f"Nothing was audited: pip-audit failed: {last[0]}", file=sys.stderr)
        return 2
    audited = [package for package in packages if "skip_reason" not in package]
    skipped = [package for package in packages if "skip_reason" in package and package["name"] not in OWN]
    if not audited:
        print(
            f"Nothing was audited: the package index knows none of {len(packages)} packages' weaknesses "
            "(a mirror may have none). Run it where the public index is reached, or with ARGS='-s osv'.",
            file=sys.stderr,
        )
        return 2
    found = 0
    for package in audited:
        for weakness in package["vulns"]:
            found += 1
            mended = ", ".join(weakness["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {weakness['id']}, mended in {mended}")
    for package in skipped:
        print(f"{package['name']} was not audited: {package['skip_reason']}")
    print(f"{len(audited)} packages audited, {found} known weaknesses, {len(skipped)} not audited.")
    return 1 if found else 0


OWN = frozenset({"event-streamer-sdk"})
"""Ours, which is installed from this folder."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
