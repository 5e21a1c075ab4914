"""How this package is set up: profiles, secrets, the policy, and the only reading of the environment."""

from vergeos_nb.masking import MASK, spellings
from vergeos_nb.settings.archive_settings import ArchiveSettings, archive_settings
from vergeos_nb.settings.host import is_loopback, normal_host, split_host
from vergeos_nb.settings.jupyter_root import JupyterRoot, ServedFile, jupyter_root
from vergeos_nb.settings.known import remember_secrets
from vergeos_nb.settings.load import (
    SIMULATOR_NAME,
    load_profile,
    profile_names,
    secrets_known,
    wants_password,
)
from vergeos_nb.settings.places import (
    AmbientNetwork,
    ambient_network,
    chromium,
    from_home,
    give_jupyter_a_place,
    is_live,
    is_static,
    jupyter_environ,
    kernel_environ,
    lab_environ,
    outputs_dir,
    run_dir,
    runtime_dir,
    session_name,
)
from vergeos_nb.settings.policy_file import load_policy, stopped_by
from vergeos_nb.settings.profile import Credentials, Profile, refuse_pieces, secrets_of
from vergeos_nb.settings.secret import Secret

__all__ = [
    "MASK",
    "SIMULATOR_NAME",
    "AmbientNetwork",
    "ArchiveSettings",
    "Credentials",
    "JupyterRoot",
    "Profile",
    "Secret",
    "ServedFile",
    "ambient_network",
    "archive_settings",
    "chromium",
    "from_home",
    "give_jupyter_a_place",
    "is_live",
    "is_loopback",
    "is_static",
    "jupyter_environ",
    "jupyter_root",
    "kernel_environ",
    "lab_environ",
    "load_policy",
    "load_profile",
    "normal_host",
    "outputs_dir",
    "profile_names",
    "refuse_pieces",
    "remember_secrets",
    "run_dir",
    "runtime_dir",
    "secrets_known",
    "secrets_of",
    "session_name",
    "spellings",
    "split_host",
    "stopped_by",
    "wants_password",
]
