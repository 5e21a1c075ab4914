"""Profiles: where they come from, what contradicts itself, and that no secret shows."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from vergeos_nb.errors import SettingsError
from vergeos_nb.settings import (
    AmbientNetwork,
    Credentials,
    Profile,
    Secret,
    ambient_network,
    chromium,
    is_live,
    kernel_environ,
    lab_environ,
    load_profile,
    outputs_dir,
    profile_names,
    run_dir,
    runtime_dir,
    secrets_of,
)

CANARY = "canary-S3cret/+ü{x}'"
LOGIN = {"VERGE_HOST": "lab.example", "VERGE_USERNAME": "operator", "VERGE_PASSWORD": CANARY}


def env(home: Path, **variables: str) -> Profile:
    return load_profile("env", environ={"HOME": str(home), **variables})


def refusal(home: Path, **variables: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        env(home, **variables)
    assert CANARY not in str(caught.value)
    assert caught.value.next_step
    return caught.value


def write_config(home: Path, text: str, mode: int = 0o600) -> Path:
    path = home / ".vrg" / "config.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    path.chmod(mode)
    return path


# -- secrets ---------------------------------------------------------------------------------------


def test_a_secret_shows_as_dots_wherever_it_is_printed():
    secret = Secret(CANARY)
    profile = Profile("lab", "lab.example", Credentials("basic", "operator", secret))
    shown = [
        repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", repr(profile),
        str(profile.credentials), json.dumps(dataclasses.asdict(profile), default=str, ensure_ascii=False),
        repr([secret]),
        repr(dataclasses.asdict(profile)), str(copy.deepcopy(secret)),
    ]  # fmt: skip
    assert [text for text in shown if CANARY in text or "•••" not in text] == []
    assert secret.reveal() == CANARY


def test_a_secret_is_neither_pickled_nor_changed_nor_opened_by_vars():
    secret = Secret(CANARY)
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret._text = "other"


def test_secrets_are_equal_when_their_texts_are():
    assert (Secret("a"), hash(Secret("a"))) == (Secret("a"), hash(Secret("a")))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_secrets_of_a_profile_are_every_spelling_of_them_longest_first():
    profile = Profile("lab", "h", Credentials("basic", "operator", Secret('pa"ss/wörd')))
    found = secrets_of(profile)
    assert set(found) >= {
        'pa"ss/wörd', 'pa\\"ss/w\\u00f6rd', 'pa\\"ss\\/w\\u00f6rd', "pa%22ss%2Fw%C3%B6rd", "pa&quot;ss/wörd",
        "b3BlcmF0b3I6cGEic3Mvd8O2cmQ=", "cGEic3Mvd8O2cmQ=",
    }  # fmt: skip
    assert list(found) == sorted(found, key=len, reverse=True)
    assert secrets_of(Profile("simulator", "", None)) == ()


# -- the built-in profile --------------------------------------------------------------------------


def test_the_simulator_is_the_default_whatever_the_environment_says(tmp_path):
    expected = Profile("simulator", "", None, kind="simulator", source="built in")
    assert load_profile(environ={**LOGIN, "VERGE_PROFILE": "prod"}, home=tmp_path) == expected


def test_a_scenario_follows_the_simulator_after_a_colon(tmp_path):
    assert load_profile("simulator:zombie", environ={}, home=tmp_path).scenario == "zombie"
    with pytest.raises(SettingsError, match="there is no scenario after the colon"):
        load_profile("simulator:", environ={}, home=tmp_path)


# -- env -------------------------------------------------------------------------------------------


def test_env_with_user_and_password_is_basic_and_verified(tmp_path):
    assert env(tmp_path, **LOGIN) == Profile(
        "env",
        "lab.example",
        Credentials("basic", "operator", Secret(CANARY)),
        verify=True,
        ca_file=None,
        timeout_s=30.0,
        source="environment (VERGE_HOST, VERGE_USERNAME, VERGE_PASSWORD)",
    )


def test_env_takes_ca_file_timeout_and_session(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    profile = env(tmp_path, **LOGIN, VERGE_AUTH="session", VERGE_TIMEOUT="2.5", VERGE_CA_FILE="~/ca.pem")
    assert (profile.credentials, profile.timeout_s, profile.ca_file) == (
        Credentials("session", "operator", Secret(CANARY)),
        2.5,
        tmp_path / "ca.pem",
    )


def test_a_key_can_go_into_the_platform_s_own_header(tmp_path):
    write_config(tmp_path, '[profiles.a]\nhost = "a.example"\napi_key = "canary-key"\nauth = "header"\n')
    profile = load_profile("a", environ={}, home=tmp_path)
    assert profile.credentials == Credentials("header", None, Secret("canary-key"))


def test_a_password_does_not_go_into_the_header_of_a_key(tmp_path):
    write_config(
        tmp_path,
        '[profiles.a]\nhost = "a.example"\nusername = "ada"\npassword = "canary-pass"\nauth = "header"\n',
    )
    with pytest.raises(SettingsError, match="is header, which takes a key"):
        load_profile("a", environ={}, home=tmp_path)


@pytest.mark.parametrize("variable", ["VERGE_TOKEN", "VERGE_API_KEY"])
def test_token_and_api_key_are_both_bearer(tmp_path, variable):
    profile = env(tmp_path, VERGE_HOST="h.example", **{variable: "canary-token"})
    assert profile.credentials == Credentials("bearer", None, Secret("canary-token"))


@pytest.mark.parametrize(
    ("variables", "came_back"),
    [
        ({}, "VERGE_HOST is not set"),
        ({"VERGE_HOST": ""}, "VERGE_HOST is not set"),
        ({"VERGE_HOST": "h"}, "there are none"),
        (
            {"VERGE_HOST": "h", "VERGE_TOKEN": CANARY, "VERGE_API_KEY": CANARY},
            "VERGE_TOKEN and VERGE_API_KEY are both set, and both would be sent as bearer token",
        ),
        (
            {"VERGE_HOST": "h", "VERGE_USERNAME": "u"},
            "VERGE_USERNAME is set and VERGE_PASSWORD is not set",
        ),
        (
            {"VERGE_HOST": "h", "VERGE_USERNAME": "u", "VERGE_PASSWORD": ""},
            "VERGE_USERNAME is set and VERGE_PASSWORD is set but empty",
        ),
        (
            {"VERGE_HOST": "h", "VERGE_PASSWORD": CANARY},
            "VERGE_PASSWORD is set and VERGE_USERNAME is not set",
        ),
        (
            {**LOGIN, "VERGE_TOKEN": CANARY},
            "VERGE_TOKEN and VERGE_PASSWORD and VERGE_USERNAME are both set, "
            "but only one way to log in can be used",
        ),
        (
            {"VERGE_HOST": "h", "VERGE_TOKEN": "t", "VERGE_AUTH": "session"},
            "VERGE_TOKEN and VERGE_AUTH are both set, but only one way to log in can be used",
        ),
        ({**LOGIN, "VERGE_AUTH": "sesion"}, "'sesion' is unknown"),
        ({**LOGIN, "VERGE_VERIFY_SSL": "flase"}, "'flase' is neither true nor false"),
        ({**LOGIN, "VERGE_TIMEOUT": "30s"}, "'30s' is not a number of seconds between 0 and 3600"),
        ({**LOGIN, "VERGE_TIMEOUT": "0"}, "'0' is not a number of seconds between 0 and 3600"),
        ({**LOGIN, "VERGE_TIMEOUT": "nan"}, "'nan' is not a number of seconds between 0 and 3600"),
        ({**LOGIN, "VERGE_TIMEOUT": "inf"}, "'inf' is not a number of seconds between 0 and 3600"),
        ({**LOGIN, "VERGE_CA_FILE": "/nowhere/ca.pem"}, "there is no file /nowhere/ca.pem"),
        ({**LOGIN, "VERGE_PASSWORD": CANARY + "\n"}, "it holds a control character"),
        (
            {"VERGE_HOST": "h", "VERGE_TOKEN": "Bearer " + CANARY},
            "it holds a blank or a character that an HTTP header cannot hold",
        ),
        (
            {**LOGIN, "VERGE_USERNAME": "a:b"},
            "VERGE_USERNAME holds a colon, which Basic authentication cannot carry",
        ),
    ],
)
def test_env_that_cannot_be_meant_says_what_is_wrong_without_showing_a_secret(tmp_path, variables, came_back):
    assert refusal(tmp_path, **variables).came_back == came_back


def test_switching_checks_off_and_naming_an_authority_is_a_contradiction(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    failure = refusal(tmp_path, **LOGIN, VERGE_VERIFY_SSL="false", VERGE_CA_FILE=str(tmp_path / "ca.pem"))
    assert failure.came_back == (
        "VERGE_VERIFY_SSL turns certificate checks off, but VERGE_CA_FILE is needed for them"
    )


@pytest.mark.parametrize(
    ("word", "verify"),
    [("true", True), ("1", True), ("Yes", True), ("on", True), ("", True),
     ("false", False), ("0", False), ("no", False), ("OFF", False)],
)  # fmt: skip
def test_words_for_true_and_false(tmp_path, word, verify):
    assert env(tmp_path, **LOGIN, VERGE_VERIFY_SSL=word).verify is verify


def test_opting_out_of_certificate_checks_is_loud(tmp_path):
    (warning,) = env(tmp_path, **LOGIN, VERGE_VERIFY_SSL="false").warnings
    assert warning.startswith("TLS CERTIFICATES ARE NOT CHECKED (VERGE_VERIFY_SSL)")


def test_a_secret_too_short_to_search_for_is_warned_about(tmp_path):
    (warning,) = env(tmp_path, **{**LOGIN, "VERGE_PASSWORD": "abc"}).warnings
    assert warning.startswith("The password or token has fewer than 4 characters")


def test_a_misspelt_variable_is_named_with_the_nearest_one_and_the_vendors_others_are_not(tmp_path):
    profile = env(
        tmp_path, **LOGIN, VERGE_VERIFY_TLS="0", VERGE_OUTPUT="json", VERGE_RETRY_TOTAL="1",
        VERGE_PROFILE="x", VERGEOS_NB_UI="live", VERGE_ZZZ="1",
    )  # fmt: skip
    assert profile.warnings == (
        "VERGE_VERIFY_TLS is set and nothing reads it: did you mean VERGE_VERIFY_SSL?",
        "VERGE_ZZZ is set and nothing reads it.",
    )


# -- hosts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("lab.example", "lab.example"),
        ("https://Lab.Example/", "lab.example"),
        ("HTTPS://lab.example", "lab.example"),
        ("lab.example:8443", "lab.example:8443"),
        ("10.0.0.5:08443", "10.0.0.5:8443"),
        ("[::1]:8443", "[::1]:8443"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"),
        ("my_host", "my_host"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("XN--bcher-kva.example", "xn--bcher-kva.example"),
        ("lab.example.", "lab.example"),
        ("lab.example.:8443", "lab.example:8443"),
        ("lab.example:443", "lab.example"),
        ("https://10.0.0.5:0443/", "10.0.0.5"),
        ("127.1", "127.0.0.1"),
        ("[::1]:443", "[::1]"),
        ("[::ffff:10.0.0.5]", "10.0.0.5"),
        ("[FE80::1%Eth0]:8443", "[fe80::1%Eth0]:8443"),
        ("[fe80::1%25eth0]", "[fe80::1%eth0]"),
    ],
)
def test_a_host_is_brought_to_one_form(tmp_path, written, host):
    assert env(tmp_path, **{**LOGIN, "VERGE_HOST": written}).host == host


@pytest.mark.parametrize(
    ("written", "came_back"),
    [
        ("http://lab.example", "it asks for another scheme than https"),
        (f"https://root:{CANARY}@lab.example", "it holds a user name before an @, and perhaps a password"),
        (f"root:{CANARY}@lab.example", "it holds a user name before an @, and perhaps a password"),
        ("lab.example/api/v4", "it holds a path"),
        ("lab.example?x=1", "it holds a path"),
        ("lab.example#x", "it holds a path"),
        ("lab%2e", "it holds a path"),
        ("lab .example", "it holds a blank, a line end or a control character"),
        ("lab.example\r\nX: y", "it holds a control character"),
        ("lab.example:abc", "the text after its colon is no port"),
        ("lab.example:", "the text after its colon is no port"),
        ("lab.example:70000", "its port is 70000"),
        ("lab.example:0", "its port is 0"),
        ("::1", "it looks like an IPv6 address without brackets"),
        ("[::zz]", "the text in brackets is no IPv6 address"),
        ("[::1::2]", "'::1::2' is no IPv6 address"),
        ("fe80::1%eth0", "it looks like an IPv6 address without brackets"),
        ("[fe80::1%]", "the text in brackets is no IPv6 address"),
        (f"root:{CANARY}＠lab.example", "it holds a user name before an @, and perhaps a password"),
        ("10.0.0.256", "'10.0.0.256' is no host name"),
        ("https://", "'' is no host name"),
        ("..", "'..' is no host name"),
        ("-lab", "'-lab' is no host name"),
    ],
)
def test_what_is_no_host_is_refused(tmp_path, written, came_back):
    assert refusal(tmp_path, **{**LOGIN, "VERGE_HOST": written}).came_back == came_back


# -- the vendor CLI's file -------------------------------------------------------------------------


def test_a_named_profile_is_read_from_the_vendors_file_and_nothing_overrides_it(tmp_path):
    path = write_config(
        tmp_path,
        f"""
        [default]
        host = "https://main.example"
        token = "canary-token"
        [profile.lab]
        host = "lab.example"
        username = "operator"
        password = "{CANARY}"
        verify_ssl = false
        output = "json"
        timeout = 7
        """,
    )
    environ = {"VERGE_HOST": "evil.example", "VERGE_TIMEOUT": "1"}
    lab = load_profile("lab", environ=environ, home=tmp_path)
    assert lab == Profile(
        "lab",
        "lab.example",
        Credentials("basic", "operator", Secret(CANARY)),
        verify=False,
        timeout_s=7.0,
        source=f"{path} [profile.lab]",
        warnings=lab.warnings,
    )
    assert lab.warnings[-1] == (
        "VERGE_HOST, VERGE_TIMEOUT not used: only the profile 'env' reads them, 'lab' does not."
    )
    default = load_profile("default", environ={}, home=tmp_path)
    assert (default.host, default.credentials) == (
        "main.example",
        Credentials("bearer", None, Secret("canary-token")),
    )


def test_the_plural_heading_is_read_as_vrg_reads_it(tmp_path):
    write_config(tmp_path, '[profiles.a]\nhost = "a.example"\napi_key = "canary-key"\n')
    assert load_profile("a", environ={}, home=tmp_path).host == "a.example"
    write_config(
        tmp_path,
        '[profiles.a]\nhost = "a.example"\n[profile.b]\nhost = "b.example"\ntoken = "canary-token"\n',
    )
    assert profile_names(environ={}, home=tmp_path) == ("simulator", "env", "b")
    (warning,) = load_profile("b", environ={}, home=tmp_path).warnings
    assert warning.endswith("as in vrg, only [profile.…] is read.")


def test_our_own_keys_are_read_and_misspelt_ones_stop_with_the_nearest(tmp_path):
    write_config(
        tmp_path,
        """
        [profile.lab]
        host = "lab.example"
        username = "u"
        password = "canary-password"
        auth = "session"
        [profile.typo]
        host = "lab.example"
        pasword = "canary-password"
        """,
    )
    assert load_profile("lab", environ={}, home=tmp_path).credentials == Credentials(
        "session", "u", Secret("canary-password")
    )
    with pytest.raises(SettingsError) as caught:
        load_profile("typo", environ={}, home=tmp_path)
    assert caught.value.came_back == "nothing reads 'pasword'"
    assert caught.value.next_step.startswith("Did you mean 'password'?")


@pytest.mark.parametrize(
    ("text", "came_back"),
    [
        ('[profil.lab]\nhost = "x"', "nothing reads 'profil' at its top"),
        ("[profile.lab", "it is no TOML: "),
        ('profile = "lab"', "'profile' is not a section"),
        ('[profile]\nlab = "x"', "'lab' is not a section"),
        ('[profile.lab]\nhost = "h"\nverify_ssl = "nope"\ntoken = "t"', "'nope' is neither true nor false"),
        ('[profile.lab]\nhost = "h"\ntoken = 5', "it is not text"),
        ('[profile.lab]\nhost = 5\ntoken = "t"', "it is not text"),
        ('[profile.lab]\nhost = "h"\ntoken = "t"\ntimeout = true', "True is not a number of seconds"),
        ('[profile.lab]\ntoken = "t"', "host in [profile.lab] of"),
    ],
)
def test_a_file_that_cannot_be_meant_says_where(tmp_path, text, came_back):
    path = write_config(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_profile("lab", environ={}, home=tmp_path)
    assert caught.value.came_back.startswith(came_back)
    assert str(path) in str(caught.value)


def test_a_file_that_is_no_text_is_a_settings_error(tmp_path):
    write_config(tmp_path, "").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="it is not UTF-8 text"):
        load_profile("lab", environ={}, home=tmp_path)


def test_another_profiles_mistake_does_not_block_this_one(tmp_path):
    write_config(tmp_path, '[profile.a]\nhost = "a"\ntoken = "canary"\n[profile.b]\nnonsense = 1\n')
    assert load_profile("a", environ={}, home=tmp_path).host == "a"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_secrets_that_others_may_read_are_warned_about(tmp_path, mode):
    path = write_config(tmp_path, '[default]\nhost = "a"\ntoken = "canary"\n', mode)
    assert load_profile("default", environ={}, home=tmp_path).warnings == (
        f"{path} holds secrets, and other users may read it. Run: chmod 600 {path}",
    )


def test_an_unknown_profile_names_the_known_ones_and_the_nearest(tmp_path):
    write_config(tmp_path, '[default]\nhost = "a"\n[profile.production]\nhost = "p"\n')
    with pytest.raises(SettingsError) as caught:
        load_profile("prodution", environ={}, home=tmp_path)
    assert caught.value.next_step == (
        "Did you mean 'production'? Known: simulator, env, default, production."
    )
    assert caught.value.exit_code == 2


def test_without_a_file_there_are_the_built_in_profiles(tmp_path):
    assert profile_names(environ={"HOME": str(tmp_path)}) == ("simulator", "env")
    with pytest.raises(SettingsError):
        load_profile("default", environ={}, home=tmp_path)


# -- places ----------------------------------------------------------------------------------------


def test_proxies_and_authorities_follow_the_usual_order(tmp_path):
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    assert ambient_network(
        {
            "HTTPS_PROXY": "http://upper.example",
            "https_proxy": f"http://u:{CANARY}@lower.example:3128",
            "ALL_PROXY": "http://all.example",
            "NO_PROXY": "a.example, .b.example,,10.0.0.0/8 [fd00::1]\tc.example",
            "REQUESTS_CA_BUNDLE": "/r.pem",
            "SSL_CERT_FILE": "/s.pem",
            "CURL_CA_BUNDLE": str(bundles),
        }
    ) == AmbientNetwork(
        https_proxy=Secret(f"http://u:{CANARY}@lower.example:3128"),
        http_proxy=Secret("http://all.example"),
        no_proxy=("a.example", ".b.example", "10.0.0.0/8", "[fd00::1]", "c.example"),
        ca_file=Path("/s.pem"),
        ca_dirs=(bundles,),
        ca_source="SSL_CERT_FILE, CURL_CA_BUNDLE",
    )
    assert ambient_network({}) == AmbientNetwork()
    assert CANARY not in repr(ambient_network({"ALL_PROXY": f"http://u:{CANARY}@p.example"}))


def test_a_kernel_finds_every_relative_path_from_another_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = {
        "VERGEOS_NB_SIGNING_KEY": "keys/ada",
        "VERGEOS_NB_ALLOWED_SIGNERS": "signers",
        "VERGEOS_NB_POLICY": "policy.toml",
        "VERGEOS_NB_MIRROR": "mirror",
        "VERGE_CA_FILE": "ca.pem",
        "SSL_CERT_DIR": f"one{os.pathsep}two",
    }
    wanted = {name: str(tmp_path / path) for name, path in written.items()}
    wanted["SSL_CERT_DIR"] = f"{tmp_path / 'one'}{os.pathsep}{tmp_path / 'two'}"
    for given in (
        lab_environ(tmp_path / "config", Path("o"), "token", written),
        kernel_environ(Path("o/r"), Path("o"), {}, Path("i"), written),
    ):
        assert {name: given[name] for name in wanted} == wanted
        assert given["VERGEOS_NB_OUTPUTS"] == str(tmp_path / "o")
    kept = {"VERGEOS_NB_MIRROR": "s3://bucket/records", "VERGE_CA_FILE": "~/ca.pem", "SSL_CERT_FILE": ""}
    given = lab_environ(tmp_path / "config", Path("o"), "token", kept)
    assert {name: given[name] for name in kept} == kept


def test_a_relative_ca_file_of_a_profile_is_beside_the_file_that_names_it(tmp_path, monkeypatch):
    (tmp_path / ".vrg").mkdir()
    (tmp_path / ".vrg/config.toml").write_text(
        '\ufeff[profile.lab]\nhost = "lab.example"\nca_file = "ca.pem"\n'
        'username = "u"\npassword = "long-enough"\n'
    )
    (tmp_path / ".vrg/ca.pem").write_text("PEM")
    (tmp_path / ".vrg/config.toml").chmod(0o600)
    monkeypatch.chdir("/")
    assert load_profile("lab", environ={}, home=tmp_path).ca_file == tmp_path / ".vrg/ca.pem"


def test_a_list_of_directories_and_an_unusable_runtime_directory_are_read_as_their_owners_define_them():
    """Holds off: SSL_CERT_DIR as a list taken for one path, and records of processes below a relative one."""
    found = ambient_network({"SSL_CERT_DIR": "/a::/b", "HTTPS_PROXY": " http://p.example \n"})
    assert found == AmbientNetwork(
        https_proxy=Secret("http://p.example"), ca_dirs=(Path("/a"), Path("/b")), ca_source="SSL_CERT_DIR"
    )
    cache = runtime_dir({"XDG_RUNTIME_DIR": "relative"})
    assert cache is not None
    assert cache.is_absolute()
    assert runtime_dir({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/vergeos-nb")


def test_a_chromium_without_a_window_comes_before_a_whole_browser_and_a_named_one_before_both(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for program in (first / "chromium", second / "chromium-headless-shell"):
        program.parent.mkdir()
        program.touch(0o700)
    path = {"PATH": f"{first}:{second}"}
    assert chromium(path) == second / "chromium-headless-shell"
    assert chromium({**path, "VERGEOS_NB_CHROMIUM": str(first / "chromium")}) == first / "chromium"
    assert chromium({"PATH": str(first)}) == first / "chromium"
    assert chromium({"PATH": str(tmp_path)}) is None


def test_folders_come_from_their_variables():
    environ = {"VERGEOS_NB_OUTPUTS": "/o", "VERGEOS_NB_RUN_DIR": "/o/r", "VERGEOS_NB_RUNTIME_DIR": "/rt"}
    assert (outputs_dir(environ), run_dir(environ), runtime_dir(environ)) == (
        Path("/o"), Path("/o/r"), Path("/rt"),
    )  # fmt: skip
    assert (outputs_dir({}), run_dir({})) == (Path("outputs"), None)
    assert runtime_dir({"XDG_RUNTIME_DIR": "/run/user/7"}) == Path("/run/user/7/vergeos-nb")
    assert runtime_dir({}).name == "vergeos-nb"


@pytest.mark.parametrize(
    ("environ", "live"),
    [
        ({}, False),
        ({"JPY_SESSION_NAME": "a.ipynb"}, True),
        ({"VOILA_KERNEL_ID": "1"}, True),
        ({"JPY_SESSION_NAME": "a.ipynb", "VERGEOS_NB_UI": "static"}, False),
        ({"VERGEOS_NB_UI": "live"}, True),
    ],
)
def test_a_browser_is_known_by_its_session_unless_told_otherwise(environ, live):
    assert is_live(environ) is live


def test_an_unknown_word_for_the_ui_stops_with_the_nearest():
    with pytest.raises(SettingsError, match="Did you mean 'static'"):
        is_live({"VERGEOS_NB_UI": "statc"})


def test_importing_settings_loads_nothing_heavy():
    code = "import sys, vergeos_nb.settings, vergeos_nb.errors, vergeos_nb.vergeos.rows; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"httpx", "pydantic", "platformdirs", "tomllib", "pandas", "asyncio", "ssl", "difflib"}
    assert heavy & set(loaded) == set()


def test_a_file_that_the_vendors_cli_wrote_is_read_as_it_meant(tmp_path):
    config = pytest.importorskip("verge_cli.config")
    path = write_config(tmp_path, "")
    config.save_config(
        config.Config(
            default=config.ProfileConfig(host="https://main.example/", token="canary-token"),
            profiles={
                "lab": config.ProfileConfig(host="lab", username="u", password=CANARY, verify_ssl=False)
            },
        ),
        path,
    )
    assert profile_names(environ={}, home=tmp_path) == ("simulator", "env", "default", "lab")
    main, lab = (load_profile(name, environ={}, home=tmp_path) for name in ("default", "lab"))
    assert (main.host, main.credentials, main.verify, main.timeout_s) == (
        "main.example", Credentials("bearer", None, Secret("canary-token")), True, 30.0,
    )  # fmt: skip
    assert (lab.host, lab.credentials, lab.verify) == (
        "lab", Credentials("basic", "u", Secret(CANARY)), False,
    )  # fmt: skip


@pytest.mark.parametrize("word", ["passed", "status", "none", "pass"])
def test_a_password_that_every_record_holds_is_refused_because_it_could_not_be_masked(word: str) -> None:
    """Holds off a mask over our own words, after which a record could not be read again."""
    environ = {"VERGE_HOST": "verge.example", "VERGE_USERNAME": "ada", "VERGE_PASSWORD": word}
    with pytest.raises(SettingsError, match="could not be masked") as refused:
        load_profile("env", environ=environ)
    assert word not in str(refused.value).replace("password", "").replace("could not", "")
