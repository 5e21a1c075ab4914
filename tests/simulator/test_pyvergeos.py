"""The vendor's SDK, as shipped, over TLS: everything it does with VMs and what is around them."""

from __future__ import annotations

import pytest
import requests
from pyvergeos import VergeClient
from pyvergeos.exceptions import AuthenticationError, NotFoundError, ValidationError

from vergeos_nb.simulator import Simulator, Switches
from vergeos_nb.simulator.faults.rules import Rule


@pytest.fixture(scope="module")
def served():
    # with the `[]` that is on the wire, the SDK's update() fails after the change
    sim = Simulator("stuck", switches=Switches(put_answers="object"))
    with sim.serve() as door:
        yield sim, door


@pytest.fixture
def system(served, monkeypatch):
    """A fresh system behind one door, and a connected SDK client."""
    sim, door = served
    sim.reset()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", door.ca_file)
    client = VergeClient(host=door.host, username=sim.username, password=sim.password, retry_backoff_factor=0)
    yield sim, client
    client.disconnect()


def test_it_connects_with_password_and_with_api_key_and_is_told_when_they_are_wrong(served, monkeypatch):
    sim, door = served
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", door.ca_file)
    for credentials in ({"username": sim.username, "password": sim.password}, {"token": sim.api_key}):
        with VergeClient(host=door.host, **credentials) as client:
            seen = (client.version, client.os_version, client.cloud_name)
            assert seen == ("26.2.1", "26.2.1", "lab-east")
    with pytest.raises(AuthenticationError, match="Login required"):
        VergeClient(host=door.host, username=sim.username, password="wrong")


def test_it_connects_without_verification_when_no_bundle_is_set(served):
    sim, door = served
    with VergeClient(host=door.host, token=sim.api_key, verify_ssl=False) as client:
        assert client.is_connected


def test_it_lists_and_gets_vms(system):
    sim, client = system
    assert len(client.vms.list()) == 12
    assert [vm.name for vm in client.vms.list(limit=2, offset=1)] == ["web-02", "db-01"]
    assert [vm.name for vm in client.vms.list(name=["web*", "db-02"])] == ["web-01", "web-02", "db-02"]
    assert [vm.name for vm in client.vms.list(name="*-0?", ram=2048)] == ["test-01"]
    assert [vm.name for vm in client.vms.list_stopped()] == ["test-01", "legacy-01"]
    assert len(client.vms.list_running()) == 10
    assert [vm.key for vm in client.vms.iter_all(page_size=5)] == list(range(41, 53))
    vm = client.vms.get(name="web-01")
    assert (vm.key, vm.machine_key, vm.is_running, vm.is_snapshot) == (41, 44, True, False)
    assert (vm["status"], vm["node_name"], vm["cluster_name"]) == ("unresponsive", "node1", "prod")
    assert client.vms.get(41).name == "web-01"
    every = client.vms.get(41, fields="all")
    assert (every["console"], every.is_running, every.key) == ("vnc", True, 41)
    with pytest.raises(NotFoundError):
        client.vms.get(name="nobody")
    with pytest.raises(NotFoundError):
        client.vms.get(4711)


def test_it_reads_status_stats_history_and_logs_of_a_stuck_vm(system):
    sim, client = system
    vm = client.vms.get(name="web-01")
    status = vm.machine_status.get()
    assert (status.key, status["machine"], status.status, status.is_running) == (46, 44, "Unresponsive", True)
    assert (status["running_cores"], status["running_ram"], status["node_name"]) == (4, 8192, "node1")
    stats = vm.stats.get()
    assert (stats.key, stats.total_cpu, stats["core_usagelist"]) == (48, 0, [0, 0, 0, 0])
    other = client.vms.get(name="web-02")
    assert len(other.stats.history_short()) == 12
    assert len(other.stats.history_long(limit=3)) == 3
    assert other.stats.history_short(limit=1)[0].total_cpu > 0
    vm.power_off()
    vm.power_off(force=True)
    assert [entry["text"] for entry in vm.machine_logs.list(limit=20)] == [
        "VM action 'kill' sent", "VM action 'poweroff' sent",
    ]  # fmt: skip
    assert vm.machine_logs.list(errors_only=True) == []
    assert [log["object_name"] for log in client.logs.list(object_type="vm")] == ["web-01", "web-01"]
    assert client.logs.search("kill")[0]["level"] == "audit"


def test_it_forces_off_by_overriding_the_status_row(system):
    sim, client = system
    vm = client.vms.get(name="web-01")
    vm.power_off(force=True)
    assert vm.refresh().is_running is True
    vm.machine_status.update(46, running=False, migratable=True, status="stopped", state="offline")
    assert vm.refresh().is_running is False
    with pytest.raises(NotFoundError, match="does not belong"):
        vm.machine_status.update(47, running=False)
    assert [(e.method, e.path) for e in sim.changing_requests()] == [
        ("POST", "/api/v4/vm_actions"), ("PUT", "/api/v4/machine_status/46"),
    ]  # fmt: skip


def test_it_drives_the_power_of_a_healthy_vm(system):
    sim, client = system
    vm = client.vms.get(name="web-02")
    sim.world.behave("web-02", kill=0, poweron=0, reset=0, acpi=0, hibernate=0, migrate=0)
    with pytest.raises(ValidationError):
        vm.power_on()
    vm.power_off(force=True)
    assert vm.refresh().is_running is False
    vm.power_on(preferred_node=3)
    assert (vm.refresh().is_running, vm["node_name"]) == (True, "node3")
    vm.reset()
    vm.guest_reboot()
    vm.migrate(preferred_node=1)
    assert vm.refresh()["node_name"] == "node1"
    vm.hibernate()
    assert vm.refresh()["status"] == "hibernated"
    vm.power_on()
    vm.guest_shutdown()
    assert vm.refresh()["status"] == "stopped"


def test_it_takes_lists_restores_and_deletes_snapshots(system):
    sim, client = system
    vm = client.vms.get(name="test-01")
    made = vm.snapshots.create(name="before", description="a test", quiesce=False)
    key = int(made["$key"])
    assert [snap.name for snap in vm.snapshots.list()] == ["before"]
    assert len(client.vms.list()) == 12
    clone = vm.snapshots.restore(key, name="test-01-copy")
    assert client.vms.get(int(clone["response"]["vmkey"])).name == "test-01-copy"
    assert vm.snapshots.restore(key, replace_original=True) is None
    vm.snapshots.delete(key)
    assert vm.snapshots.list() == []
    with pytest.raises(NotFoundError):
        vm.snapshots.get(21)


def test_it_creates_changes_clones_and_deletes_vms_with_drives_nics_and_devices(system):
    sim, client = system
    vm = client.vms.create(name="fresh", ram=3000, cpu_cores=3, description="new")
    assert (vm["ram"], vm["cpu_cores"], vm.is_running) == (3072, 3, False)
    client.vms.update(vm.key, description="changed")
    assert client.vms.get(vm.key)["description"] == "changed"
    drive = vm.drives.create(size_gb=10, name="data", tier=3)
    assert (drive.size_gb, drive["interface"], drive["status"]) == (10.0, "virtio-scsi", "online")
    assert [d.name for d in vm.drives.list()] == ["drive_0", "data"]
    vm.drives.update(drive.key, description="big")
    vm.drives.delete(drive.key)
    nic = vm.nics.create(name="second", network=3)
    assert (nic["vnet_name"], nic["status"]) == ("Internal", "up")
    vm.nics.delete(nic.key)
    device = vm.devices.create_tpm()
    assert [d.key for d in vm.devices.list()] == [device.key]
    copy = vm.clone(name="fresh-2")
    assert set(copy["response"]) == {"vmkey", "machinekey", "machinestatuskey", "clusterkey"}
    vm.favorite()
    assert vm.is_favorite() is True
    vm.unfavorite()
    assert vm.is_favorite() is False
    client.vms.delete(vm.key)
    with pytest.raises(NotFoundError):
        client.vms.get(vm.key)
    with pytest.raises(ValidationError, match="must be stopped"):
        client.vms.delete(client.vms.get(name="web-02").key)
    assert client.vms.get(name="web-02").get_console_info()["is_available"] is True


def test_it_reads_drive_and_nic_statistics_by_their_parent(system):
    sim, client = system
    vm = client.vms.get(name="db-01")
    [drive] = vm.drives.list()
    stats = drive.drive_stats.get()
    assert (stats["parent_drive"], stats["reads"] > 0) == (drive.key, True)
    by_key = client.machine_drive_stats.get(drive.key)
    assert by_key["parent_drive"] != drive.key
    [nic] = vm.nics.list()
    assert nic["rx_bytes"] > 0
    found = client.machine_nic_stats.list(parent_nic=nic.key, fields="all")
    assert [row["parent_nic"] for row in found] == [nic.key]


def test_it_reads_nodes_and_puts_one_into_maintenance_and_queries_it(system):
    sim, client = system
    assert [node.name for node in client.nodes.list()] == ["node1", "node2", "node3"]
    node = client.nodes.get(name="node2")
    assert (node["running"], node["status"], node["cluster_name"]) == (True, "running", "prod")
    assert client.nodes.get(2, fields="all").key == 2
    assert client.nodes.enable_maintenance(2)["maintenance"] is True
    assert client.nodes.disable_maintenance(2)["maintenance"] is False
    result = node.queries.ping("192.0.2.1", timeout=5)
    assert (result.status, "simulated" in str(result.result)) == ("complete", True)
    assert client.nodes.pci_devices(2).list() == []


def test_it_reads_clusters_tiers_and_statistics(system):
    sim, client = system
    [cluster] = client.clusters.list()
    assert (cluster["total_nodes"], cluster["online_nodes"], cluster["running_machines"]) == (3, 3, 10)
    [vsan] = client.clusters.vsan_status(include_tiers=True)
    assert [tier["tier"] for tier in vsan.tiers] == [1, 3]
    assert [s["running_machines"] for s in client.cluster_status.list(cluster=1)] == [10]
    tiers = cluster.tiers.list()
    assert [tier["capacity"] > 0 for tier in tiers] == [True, True]
    made = client.clusters.create(name="spare")
    client.clusters.update(made.key, description="empty")
    client.clusters.delete(made.key)
    statistics = client.system.statistics()
    assert (statistics.vms_total, statistics.vms_online, statistics.nodes_total) == (12, 9, 3)
    inventory = client.system.inventory()
    assert [len(inventory.vms), len(inventory.nodes), len(inventory.clusters)] == [12, 3, 1]


def test_it_manages_tasks(system):
    sim, client = system
    task, second = client.tasks.list()
    assert [task["status"], second["status"]] == ["idle", "idle"]
    assert (task["owner_display"], task["creator_display"], task["triggers_count"]) == ("web-01", "admin", 1)
    made = client.tasks.create(name="later", owner=41, action="poweroff", table="vms")
    client.tasks.disable(made.key)
    client.tasks.enable(made.key)
    assert client.tasks.execute(made.key)["status"] == "running"
    client.tasks.cancel(made.key)
    assert client.tasks.get(made.key)["status"] == "idle"
    client.tasks.update(made.key, description="x")
    client.tasks.delete(made.key)
    assert len(client.tasks.list()) == 2


def test_it_manages_schedules_triggers_and_scripts_of_tasks(system):
    sim, client = system
    script = client.task_scripts.create(name="report", script="log('x')")
    schedule = client.task_schedules.create(name="each hour", repeat_every="hour")
    trigger = client.task_schedule_triggers.create(task=4, schedule=schedule.key)
    assert [t.schedule_key for t in client.task_schedule_triggers.list(task=4)] == [schedule.key]
    client.task_schedules.update(schedule.key, enabled=False)
    assert client.task_schedules.get(name="each hour")["enabled"] is False
    client.task_schedule_triggers.delete(trigger.key)
    client.task_schedules.delete(schedule.key)
    client.task_scripts.delete(script.key)
    assert [s.name for s in client.task_schedules.list()] == ["Every night"]


def test_it_collects_and_sends_a_support_bundle(system):
    sim, client = system
    made = client.system.diagnostics.create(name="web-01 stuck")
    assert client.system.diagnostics.get(made.key)["status"] == "building"
    sim.world.set_row("system_diagnostics", made.key, timestamp=0)  # five seconds later
    client.system.diagnostics.send_to_support(made.key)
    assert sim.world.row("system_diagnostics", made.key)["send2support"] is True
    client.system.diagnostics.delete(made.key)
    assert client.system.diagnostics.list() == []


def test_it_tags_vms_and_trusts_certificates_and_lists_the_media_catalogue(system):
    sim, client = system
    category = client.tag_categories.create(name="tier", taggable_vms=True)
    tag = client.tags.create(name="gold", category_key=category.key)
    tag.members.add_vm(41)
    assert [member["member"] for member in tag.members.list()] == ["vms/41"]
    tag.members.remove_vm(41)
    assert tag.members.list() == []
    certificate = client.system.root_certificates.create(cert="-----BEGIN CERTIFICATE-----")
    client.system.root_certificates.delete(certificate.key)
    assert [(file.name, file["type"]) for file in client.files.list()] == [("debian-13.iso", "iso")]


def test_it_hotplugs_a_drive_and_a_nic(system):
    sim, client = system
    vm = client.vms.get(name="web-02")
    vm.hotplug_drive("more", 2**30)
    vm.hotplug_nic(network=3, name="second")
    assert [drive.name for drive in vm.drives.list()] == ["drive_0", "more"]
    with pytest.raises(ValidationError, match="not permitted"):
        client.vms.get(name="test-01").hotplug_drive("more", 2**30)
    assert [drive.name for drive in client.vms.get(name="test-01").drives.list()] == ["drive_0"]


def test_it_asks_a_network_for_a_guest(system):
    sim, client = system
    result = client.networks.get(3).queries.ping("10.0.0.205", timeout=5)
    assert "64 bytes from 10.0.0.205" in str(result.result)


def test_it_reads_the_systems_log_and_the_settings_descriptions(system):
    sim, client = system
    assert [entry["text"] for entry in client.logs.list(object_type="system")] == [
        "License is valid", "Node 'node3' joined", "System started",
    ]  # fmt: skip
    assert client.system.settings.get("app_db_flush_interval").description.startswith("Flush the application")


def test_it_manages_users_and_api_keys_and_a_new_key_opens_the_door(system):
    sim, client = system
    made = client.users.create(name="Alice", password="not-kept", email="a@example.org")
    assert made.name == "alice"
    client.users.update(made.key, displayname="Alice A.")
    client.users.disable(made.key)
    assert client.users.get(name="alice")["enabled"] is False
    with pytest.raises(ValidationError, match="already in use"):
        client.users.create(name="alice", password="x")
    key = client.api_keys.create(user="alice", name="rescue", expires_in="1d")
    assert [k.name for k in client.api_keys.list(user=made.key)] == ["rescue"]
    with VergeClient(host=client.host, token=key.secret) as second:
        assert second.is_connected
    client.api_keys.delete(key.key)
    with pytest.raises(AuthenticationError):
        VergeClient(host=client.host, token=key.secret)
    client.users.delete(made.key)
    assert [user.name for user in client.users.list()] == ["admin"]


def test_it_reads_and_changes_settings(system):
    sim, client = system
    assert client.system.settings.get("max_connections").value == "500"
    client.system.settings.update("max_connections", "600")
    assert [s.get("key") for s in client.system.settings.list_modified()] == ["max_connections"]


def test_its_own_filter_operators_are_refused_or_understood(system):
    sim, client = system
    with pytest.raises(ValidationError, match="Invalid argument"):
        client.vms.list(filter="name like 'web%'")
    assert client.vms.list(filter="no_such_column eq 1") == []


def test_a_500_on_an_action_is_sent_four_times_and_each_reaches_the_log(system):
    sim, client = system
    vm = client.vms.get(name="web-01")
    sim.faults.add(Rule("broken", "POST", "/api/v4/vm_actions", status=500))
    with pytest.raises(requests.exceptions.RetryError):
        vm.power_off(force=True)
    assert [(e.status, e.executed) for e in sim.changing_requests()] == [(500, False)] * 4


def test_a_reader_gets_an_authentication_error_for_a_change(monkeypatch):
    sim = Simulator("reader")
    with sim.serve() as door:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", door.ca_file)
        client = VergeClient(host=door.host, token=sim.api_key)
        with client, pytest.raises(AuthenticationError, match="Permission denied"):
            client.vms.get(name="web-01").power_off(force=True)
