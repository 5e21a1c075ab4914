"""An Airflow DAG that applies an approved plan with the stock PapermillOperator.

The workers have vergeos-nb installed and share VERGEOS_NB_OUTPUTS, whose leases keep two runs from one VM.
What reaches a system (VERGE_HOST, VERGE_TOKEN) is in the workers' environment: a parameter is stored in the
output notebook and in Airflow's database.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow import DAG
from airflow.providers.papermill.operators.papermill import PapermillOperator

RUNBOOK = "/opt/vergeos-nb/runbooks/force_power_off.ipynb"

with DAG(
    dag_id="force_power_off",
    schedule="30 2 * * 6",
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    # No catch-up of missed times, and one run at a time: a plan is applied once, or not at all.
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=45),
    default_args={"retries": 0},
) as dag:
    PapermillOperator(
        task_id="apply",
        input_nb=RUNBOOK,
        # The record is always made in the archive. This copy is papermill's own.
        output_nb="/var/lib/vergeos-nb/airflow/force_power_off-{{ run_id }}.ipynb",
        execution_timeout=timedelta(minutes=30),
        parameters={
            "profile": "env",
            "vm_name": "{{ var.json.vergeos_plan.vm_name }}",
            "ticket": "{{ var.json.vergeos_plan.ticket }}",
            "approver": "{{ var.json.vergeos_plan.approver }}",
            "approve_until": "{{ var.json.vergeos_plan.approve_until }}",
            "approve": "{{ var.json.vergeos_plan.digest }}",
        },
    )
