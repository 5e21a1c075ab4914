"""The query grammar, with the platform's own semantics (sources in grammar.lark)."""

from __future__ import annotations

import pytest

from vergeos_nb.simulator import Switches

INVALID = (422, {"err": "Invalid argument"})


@pytest.fixture
def api(make):
    return make("healthy")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name eq 'web-01'", ["web-01"]),
        ("name eq 'WEB-01'", []),
        ("name bw 'web'", ["web-01", "web-02"]),
        ("name bw ''", 13),
        ("name ew '-02'", ["web-02", "db-02", "app-02"]),
        ("name cs 'APP'", []),
        ("name ct 'APP'", ["app-01", "app-02"]),
        ("name rx '^(web|app)-0[12]$'", ["web-01", "web-02", "app-01", "app-02"]),
        ("name rx ''", 13),
        ("name rx '[[:digit:]]{2}'", 13),  # the unescaped {2} is a macro and leaves nothing
        ("name rx '[[:digit:]]\\{3}'", []),
        ("name rx '[[:digit:]]\\{2}'", 13),
        ("name rx '\\\\d'", []),
        ("name rx '(?i)WEB'", []),
        ("name rx '(web'", []),
        ("name rx 'b.*1'", ["web-01", "db-01", "build-01", "backup-01", "db-01"]),
        ("cpu_cores eq 16", ["build-01"]),
        ("cpu_cores eq '16'", ["build-01"]),
        ("cpu_cores gt 8", ["build-01"]),
        ("cpu_cores ge 8 and cpu_cores le 8 and is_snapshot eq false", ["db-01", "db-02"]),
        ("cpu_cores lt 2", ["dns-01"]),
        ("name lt 'b'", ["app-01", "app-02"]),
        ("name ne 'web-01' and name bw 'web'", ["web-02"]),
        ("running eq null", 13),
        ("running eq true", []),
        ("is_snapshot eq true", ["db-01"]),
        ("is_snapshot ne false", ["db-01"]),
        ("is_snapshot eq 'true'", ["db-01"]),
        ("preferred_node eq null", 13),
        ("name eq web-01", ["web-01"]),
        ("$key eq 41", ["web-01"]),
        ("machine#cluster#name eq 'prod' and name bw 'web'", ["web-01", "web-02"]),
        ("machine#status#running eq false and is_snapshot eq false", ["test-01", "legacy-01"]),
        ("no_such eq 1", []),
        ("no_such ne 1", []),
        ("no_such eq 1 or name eq 'web-01'", ["web-01"]),
        ("status eq 'running'", []),
        ("created lt {$now}", 13),
        ("created lt '{$now}'", 13),
        ("created gt {$add({$now},604800)}", []),
        ("modified gt '{$sub({$now},1)}'", []),
        ("(name eq 'web-01')", ["web-01"]),
        ("((name eq 'web-01') or (name eq 'db-02'))", ["web-01", "db-02"]),
        ("  name   eq   'web-01'  ", ["web-01"]),
        ("name eq 'web-01' or name eq 'db-02' and cpu_cores eq 8", ["db-02"]),
        ("cpu_cores eq 8 and name eq 'db-02' or name eq 'web-01'", ["web-01", "db-02"]),
        ("cpu_cores eq 8 and (name eq 'db-02' or name eq 'web-01')", ["db-02"]),
    ],
)
def test_a_filter_finds(api, text, names):
    found = api.names(text)
    assert (len(found) if isinstance(names, int) else found) == names


def test_a_regular_expression_with_too_many_ways_to_match_is_refused_instead_of_never_answered(make):
    """Holds off: `re` would take hours for this one on the longest name of `odd_names`."""
    status, answer = make("odd_names").get_error("vms", filter="name rx '(n*)*x'")
    assert (status, "too many ways to match. Use fewer repetitions" in answer["err"]) == (422, True)


@pytest.mark.parametrize(
    "text",
    [
        "name like 'web%'",
        "name in ('a')",
        "name contains 'x'",
        "name startswith 'x'",
        "startswith(name,'x')",
        "not name eq 'x'",
        "name eq",
        "eq 'x'",
        "name",
        "(name eq 'x'",
        "name eq 'x')",
        "name eq 'x",
        "name eq 'x''",
        "name eq 'O''Brien'",
        'name eq "x"',
        "name == 'x'",
        "name eq 'a' and",
        "and name eq 'a'",
        "name eq 'a' xor b",
        "name eq '{x'",
        "name eq 'a\\{b{'",
        "name bw web",
        "name EQ 'x'",
        "name eq {x",
        "name eq 'a'; drop",
        "name eq 12a",
        "1 eq 1",
        "()",
        "name eq " + "9" * 50,
    ],
)
def test_a_filter_that_is_none_is_refused(api, text):
    assert api.get_error("vms", filter=text) == INVALID


def test_an_alias_of_the_same_request_can_be_filtered_and_wins_over_a_column(api):
    fields = "name,machine#status#running as running"
    rows = api.get("vms", filter="running eq false and is_snapshot eq false", fields=fields)
    assert [row["name"] for row in rows] == ["test-01", "legacy-01"]
    nodes = api.get("nodes", filter="running eq true", fields="name,machine#status#running as running")
    assert [row["name"] for row in nodes] == ["node1", "node2", "node3"]


@pytest.mark.parametrize(
    ("path", "fields", "answer"),
    [
        ("machines/44", "status", {"status": 46}),
        ("machines/44", "$key,name", {"$key": 44, "name": "web-01"}),
        ("machines/44", "nonsense,name", {"name": "web-01"}),
        ("machines/44", "nonsense", {}),
        ("machines/44", "name,name,name", {"name": "web-01"}),
        ("machines/44", "status#status", {"status#status": "running"}),
        ("machines/44", "status#status as s,status#node#name as node", {"s": "running", "node": "node1"}),
        ("machines/44", "status[$key,status]", {"status": {"$key": 46, "status": "running"}}),
        ("machines/44", "status[$key] as st", {"st": {"$key": 46}}),
        ("machines/44", "nics[name,vnet[name]]", {"nics": [{"name": "nic_0", "vnet": {"name": "Internal"}}]}),
        ("machines/44", "drives", {"drives": [101]}),
        ("machines/44", "snapshots", {"snapshots": []}),
        ("machines/44", "count(nics) as n,count(snapshots) as s", {"n": 1, "s": 0}),
        ("machines/44", "collapse(nics[name]) as nics", {"nics": ["nic_0"]}),
        (
            "machines/44",
            "sum(drives#disksize) as size,max(drives#disksize) as m",
            {"size": 64 * 1024**3, "m": 64 * 1024**3},
        ),
        ("machines/44", "avg(snapshots#created) as a,min(snapshots#created) as b", {"a": None, "b": None}),
        (
            "machines/44",
            "status#display(status) as d,upper(name) as u,lower(type) as l",
            {"d": "Running", "u": "WEB-01", "l": "vm"},
        ),
        ("machines/44", "display(cluster) as c,status#status eq 'running' as up", {"c": "prod", "up": True}),
        (
            "machines/44",
            "owner#$display as o,owner#name as n,owner#nonsense as x",
            {"o": "web-01", "n": "web-01"},
        ),
        ("machines/44", "datetime(created) as at,hex($key) as h", {"at": "2025-08-23 23:27:45", "h": "2c"}),
        ("machines/44", "sha1(name) as s", {"s": "c6bbc9fd715fe76cae39ab527fabac6c329716c3"}),
        ("machines/44", "diskspace(created) as d", {"d": "1.64 GB"}),
        ("vms/41", "preferred_node#name as p,preferred_node[name] as q", {"p": None, "q": None}),
        ("vms/41", "owner#name as gone", {}),
        ("vms/41", "running", {"running": None}),
        ("vms/41", "status,node_name,cpu_cores", {"cpu_cores": 4}),
        ("vms/41", "machine#cluster as c,machine#status#$key as k", {"c": 1, "k": 46}),
        ("vms/41", "", {"$key": 41, "name": "web-01"}),
        ("cluster_status/1", "", {"$key": 1}),
        (
            "machine_status/46",
            "",
            {
                "$key": 46,
                "machine": 44,
                "running": True,
                "migratable": True,
                "status": "running",
                "status_info": "",
                "state": "online",
            },
        ),
        ("settings/cloud_name", "", {"key": "cloud_name", "value": "lab-east"}),
    ],
)
def test_fields_select(api, path, fields, answer):
    assert api.get(path, fields=fields) == answer


def test_an_unknown_column_and_consumed_braces_return_the_whole_table(make):
    assert make("healthy").names("nmae eq 'plain'") == []
    assert len(make("healthy").names("nmae eq '{a: 1}'")) == 13
    assert make("healthy").names("nmae eq '\\{a: 1}'") == []
    literal = Switches(unknown_column_with_braces_matches_all=False)
    assert make("healthy", switches=literal).names("nmae eq '{a: 1}'") == []


def test_aggregates_over_rows_give_one_object_labelled_by_their_column(api):
    fields = "name,running_machines[sum(running_cores),sum(running_ram)] as vm_stats_totals"
    totals = {"running_cores": 18, "running_ram": 65536}
    assert api.get("nodes/1", fields=fields) == {"name": "node1", "vm_stats_totals": totals}
    assert api.get("nodes/1", fields="vm_stats_totals") == {"vm_stats_totals": totals}
    dashboard = api.get("nodes/1", fields="dashboard")
    assert (dashboard["vm_stats_totals"], dashboard["cluster_display"]) == (totals, "prod")
    assert len(dashboard["machine"]["stats"]["core_usagelist"]) == 64


def test_a_list_without_any_column_is_counted(api):
    assert api.get("vms", fields=",") == [{"$count": 13}]
    assert api.get("vms", fields="nonsense", filter="name bw 'web'") == [{"$count": 2}]
    assert api.get("vms", fields="$,k,e") == [{"$count": 13}]


def test_views_have_the_columns_of_the_source(api):
    most = api.get("vms/41", fields="most")
    every = api.get("vms/41", fields="all")
    assert {"$key", "name", "machine"} <= set(most) <= set(every)
    assert {"status", "node_name"} & set(most) == set()
    assert "console_pass" in every
    assert "console_pass" not in most
    machine = api.get("machines/44", fields="most")
    assert {"drives", "nics"} & set(machine) == set()
    assert api.get("machines/44", fields="all")["nics"] == [204]
    assert set(api.get("machines/44", fields="summary")) == {"$key", "name", "type", "status", "cluster"}
    assert "$key" not in api.get("nodes/1", fields="all")
    assert api.get("nodes/1", fields="all,$key")["$key"] == 1
    nested = api.get("vms/41", fields="dashboard")
    assert nested["machine"]["status"]["agent_guest_info"] == []


def test_a_view_nests(api):
    row = api.get("vms/41", fields="most,machine[most,drives[most],nics[most]]")
    assert row["machine"]["$key"] == 44
    assert row["machine"]["drives"][0]["disksize"] == 64 * 1024**3
    assert row["machine"]["nics"][0]["name"] == "nic_0"


@pytest.mark.parametrize(
    "text",
    [
        "a[",
        "a]",
        "a[b",
        "a(",
        "count(nics",
        "a as",
        "a as b c",
        "a#",
        "#a",
        "a##b",
        "name eq",
        "name = 'x'",
        "a b",
        "'x'",
        "12",
        "x as y[z]",
    ],
)
def test_fields_that_are_none_are_refused(api, text):
    assert api.get_error("machines", fields=text) == INVALID


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "name eq 'x'" + ")" * 500,
        "nodes[" * 100 + "name" + "]" * 100,
        "#".join(["machine"] * 100),
        "x" * 40_000,
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(api, text):
    for parameter in ("filter", "fields"):
        assert api.get_error("vms", **{parameter: text}) == INVALID


def test_a_query_without_end_is_refused_and_not_worked_off(make):
    api = make("healthy", vms=500)
    text = "nodes[cluster[" * 20 + "name" + "]]" * 20
    assert api.get_error("clusters", fields=text) == INVALID
    assert (
        api.get_error(
            "nodes", fields="running_machines[node[running_machines[node[running_machines[node[name]]]]]]"
        )
        == INVALID
    )


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ({"sort": "name"}, [45, 46, 50, 49]),
        ({"sort": "+name"}, [45, 46, 50, 49]),
        ({"sort": " name"}, [45, 46, 50, 49]),
        ({"sort": "-$key"}, [53, 52, 51, 50]),
        ({"sort": "-cpu_cores,name"}, [49, 43, 53, 44]),
        ({"sort": "nonsense"}, [41, 42, 43, 44]),
        ({"sort": "-machine#status#started,name"}, [52, 51, 50, 49]),
        ({"offset": "2"}, [43, 44, 45, 46]),
        ({"limit": "0", "offset": "9"}, [50, 51, 52, 53]),
        ({"limit": "2"}, [41, 42]),
        ({"limit": "2", "offset": "99"}, []),
        ({"machine": "44", "is_snapshot": "eq.false"}, [41, 42, 43, 44]),
    ],
)
def test_sort_limit_offset_and_unknown_parameters(api, params, keys):
    assert [row["$key"] for row in api.get("vms", fields="$key", **params)][:4] == keys


@pytest.mark.parametrize("params", [{"limit": "x"}, {"limit": "-1"}, {"offset": "1.5"}, {"limit": "9" * 30}])
def test_a_limit_that_is_no_number_is_refused(api, params):
    assert api.get_error("vms", **params) == INVALID


def test_the_schema_of_a_table_and_the_list_of_tables(api):
    schema = api.get("machine_status/$table")
    assert schema["fields"]["status"]["list"][:3] == ["initializing", "starting", "running"]
    assert schema["fields"]["last_update"]["readonly"] is True
    names = [row["name"] for row in api.get("", fields="name,schema")]
    assert {"vms", "machines", "machine_status", "machine_stats"} <= set(names)
