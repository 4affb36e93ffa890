"""Checks of this machine: the configuration, secrets' files, packages, disk space, clocks."""

from __future__ import annotations

from allocator.service.doctor.subject import CONFIGURATION, OTHER, Check, NotChecked, Patient, Status

GIB = 1024**3
LITTLE, TOO_LITTLE = 1 * GIB, 100 * 1024**2
SKEW_WARNING, SKEW_ERROR = 60.0, 600.0
OTHERS = 0o077


def configuration(patient: Patient) -> Check:
    """A broken one never comes here: `unconfigured` says so."""
    subject = patient.subject
    mode = "live: owners are written" if subject.live else "observe mode: nothing is written to the CRM"
    return Check(message=f"{subject.config} is complete; environment {subject.environment}; {mode}")


def secret_files(patient: Patient) -> Check:
    """Every file that holds a secret is there, and its owner alone reads it."""
    modes = {file: patient.subject.mode_of(file) for file in patient.subject.secret_files}
    gone = [file for file, mode in modes.items() if mode is None]
    open_ = [file for file, mode in modes.items() if mode is not None and mode & OTHERS]
    if gone:
        names = ", ".join(map(str, gone))
        fix = f"Write the secret into {names}, then: chmod 600 {' '.join(map(str, gone))}"
        return Check(status=Status.ERROR, message=f"not there: {names}", fix=fix, code=CONFIGURATION)
    if open_:
        said = ", ".join(f"{file} (mode {modes[file]:04o})" for file in open_)
        fix = f"chmod 600 {' '.join(map(str, open_))}"
        message = f"others can read or change {said}"
        return Check(status=Status.ERROR, message=message, fix=fix, code=CONFIGURATION)
    names = ", ".join(file.name for file in modes)
    return Check(message=f"read by their owner alone: {names}" if names else "no secret is kept in a file")


def packages(patient: Patient) -> Check:
    patient.subject.refuse_clash()
    return Check(message="the import names allocator and rules are ours alone")


def disk_space(patient: Patient) -> Check:
    free = {folder: patient.subject.free_bytes(folder) for folder in patient.subject.folders}
    folder = min(free, key=lambda one: free[one])
    message = f"{_size(free[folder])} free in {folder}"
    fix = f"Free some space in {folder}, or move what is kept there to a larger disk"
    if free[folder] < TOO_LITTLE:
        return Check(status=Status.ERROR, message=message, fix=fix, code=OTHER)
    if free[folder] < LITTLE:
        return Check(status=Status.WARNING, message=message, fix=fix)
    return Check(message=message)


def clock(patient: Patient) -> Check:
    """This machine's clock beside the CRM's and the store's; and whether the product's is a fixed one."""
    skews = _skews(patient)
    worst = max(skews, key=lambda name: abs(skews[name]), default="")
    off = abs(skews.get(worst, 0.0))
    side = "behind" if skews.get(worst, 0.0) > 0 else "ahead of"
    said = f"this machine's clock is {off:.0f} s {side} the clock of {worst}"
    if off > SKEW_ERROR:
        return Check(status=Status.ERROR, message=said, code=OTHER)
    if patient.subject.fixed:
        message = (
            f"ALLOCATOR_NOW is set: every command but serve takes {patient.now:%Y-%m-%d %H:%M} UTC for now"
        )
        return Check(status=Status.WARNING, message=message, fix="unset ALLOCATOR_NOW")
    if not skews:
        raise NotChecked("see crm_login")
    if off > SKEW_WARNING:
        return Check(status=Status.WARNING, message=said)
    return Check(message=f"within {SKEW_WARNING:.0f} s of the clock of {' and '.join(skews)}")


def _skews(patient: Patient) -> dict[str, float]:
    """Seconds that others are ahead of us, of those that could be asked."""
    found: dict[str, float] = {}
    if visit := patient.crm.or_none():
        found["the CRM"] = visit.ahead
    health = patient.health.or_none()
    if health and health[0].now is not None:
        found["the store"] = health[1]
    return found


def _size(number: int) -> str:
    return f"{number / GIB:.1f} GiB" if number >= GIB else f"{number / 1024**2:.0f} MiB"
