"""What the dashboard shows, row by row: from what is asked first to what explains it."""

from cli.monitoring.panel import RATE, Panel, Query, Row, quantiles, rate

_NOW = Row(
    "Now",
    [
        Panel(
            "Workers ready",
            "Processes whose /readyz says yes, by worker. None of a kind: documents wait before it.",
            [Query("sum by (service) (ksef_worker_ready)", "{{service}}")],
            kind="stat",
        ),
        Panel(
            "Oldest document without an outcome",
            "By where it stands. Next is, at accepted: the mapper; mapped: the validator; admitted, sent: "
            "sender and KSeF.",
            [Query("max by (state) (ksef_tracker_oldest_pending_seconds)", "{{state}}")],
            unit="s",
            kind="stat",
        ),
        Panel(
            "Dead letters in a day",
            "Records that nobody could process: `ksef-courier dead-letters list`.",
            [Query('sum(increase(ksef_stage_records_total{outcome="dead-letter"}[24h]))', "dead letters")],
            kind="stat",
        ),
        Panel(
            "Incoherent rows",
            "What the coherence checks find; each has a section in docs/operations/alerts.md.",
            [Query("sum(max by (service, check) (ksef_incoherent))", "rows")],
            kind="stat",
        ),
        Panel(
            "Sending stopped by people",
            "`ksef-courier status` says what, by whom and why.",
            [Query("sum(max by (kind) (ksef_sender_paused))", "stops")],
            kind="stat",
        ),
        Panel(
            "Missing on Kafka",
            "Topics and rights; the worker's log line names them.",
            [Query("sum(max by (service) (ksef_kafka_missing))", "missing")],
            kind="stat",
        ),
    ],
)
_FLOW = Row(
    "Flow",
    [
        Panel(
            "Taken over from ERPs",
            "Documents found in ERPs' records, by intake's verdict.",
            [rate("ksef_intake_documents_total", "verdict")],
            unit="ops",
        ),
        Panel(
            "Mapped",
            "Documents by the mapper's verdict.",
            [rate("ksef_mapper_documents_total", "verdict")],
            "ops",
        ),
        Panel(
            "Admitted",
            "Documents by the validator's verdict.",
            [rate("ksef_validator_verdicts_total", "verdict")],
            "ops",
        ),
        Panel(
            "Verdicts of KSeF",
            "Sent invoices; conflict: a number that KSeF holds from somebody else.",
            [rate("ksef_sender_verdicts_total", "verdict")],
            "ops",
        ),
        Panel(
            "Receipts (UPO)",
            "Asked for, by outcome.",
            [rate("ksef_sender_receipts_total", "outcome")],
            "ops",
        ),
        Panel("Steps told to ERPs", "By state.", [rate("ksef_tracker_steps_total", "state")], "ops"),
    ],
)
_AGE = Row(
    "Age and lag",
    [
        Panel(
            "From acceptance to KSeF number",
            "Half of the documents are faster than p50, all but one in a hundred than p99.",
            quantiles("ksef_time_to_number_seconds"),
            "s",
        ),
        Panel(
            "Documents without an outcome",
            "By where they stand; at most the 10,000 oldest are counted.",
            [Query("max by (state) (ksef_tracker_pending_documents)", "{{state}}")],
        ),
        Panel(
            "Lag in records",
            "Not taken yet, by stage and topic.",
            [Query("sum by (stage, topic) (ksef_stage_lag_records)", "{{stage}} {{topic}}")],
        ),
        Panel(
            "Lag in seconds",
            "Age of the oldest record of the batch taken last.",
            [Query("max by (stage, topic) (ksef_stage_lag_seconds)", "{{stage}} {{topic}}")],
            "s",
        ),
        Panel(
            "Outbox: oldest event",
            "Above a minute Kafka does not take events.",
            [Query("max by (service) (ksef_outbox_oldest_seconds)", "{{service}}")],
            "s",
        ),
        Panel(
            "Outbox: events relayed",
            "From tables to Kafka.",
            [rate("ksef_outbox_relayed_total", "service")],
            "ops",
        ),
    ],
)
_KSEF = Row(
    "KSeF",
    [
        Panel(
            "Calls by outcome",
            "429: a limit is reached; lost: no answer came; not-sent: KSeF was not reached.",
            [rate("ksef_api_call_seconds_count", "outcome")],
            "ops",
        ),
        Panel("Calls by route", "All outcomes.", [rate("ksef_api_call_seconds_count", "route")], "ops"),
        Panel(
            "Time of calls",
            "All but one in a hundred are faster, by route.",
            quantiles("ksef_api_call_seconds", "route")[1:],
            "s",
        ),
        Panel(
            "Invoices posted",
            "By what came back; answer-lost: looked up before anything is sent again.",
            [rate("ksef_sender_sends_total", "answer")],
            "ops",
        ),
        Panel("Sessions", "By what happened to them.", [rate("ksef_sender_sessions_total", "event")], "ops"),
        Panel(
            "Looked up",
            "Documents whose fate a closed session's list, or recovery, decided.",
            [rate("ksef_sender_reconciled_total", "result")],
            "ops",
        ),
        Panel(
            "Leases held",
            "Companies that each sender works for now.",
            [Query("ksef_leases_held", "{{instance}}")],
        ),
        Panel(
            "Leases taken and lost",
            "Lost ones mean that senders take companies over from each other.",
            [
                Query(f"sum(rate(ksef_leases_taken_total{RATE}))", "taken"),
                Query(f"sum(rate(ksef_leases_lost_total{RATE}))", "lost"),
            ],
            "ops",
        ),
        Panel(
            "Database behind",
            "Times the database was older than what had been sent: docs/operations/restore.md.",
            [Query("sum(increase(ksef_sender_database_behind_total[1h]))", "times")],
        ),
    ],
)
_STAGES = Row(
    "Stages",
    [
        Panel("Records settled", "By stage.", [rate("ksef_stage_records_total", "stage")], "ops"),
        Panel(
            "Records not done",
            "retry: given back, they come again; dead-letter: put aside.",
            [
                Query(
                    f'sum by (stage, outcome) (rate(ksef_stage_records_total{{outcome!="done"}}{RATE}))',
                    "{{stage}} {{outcome}}",
                )
            ],
            "ops",
        ),
        Panel(
            "Time of a batch",
            "From fetching it to its commit.",
            quantiles("ksef_stage_batch_seconds", "stage"),
            "s",
        ),
        Panel(
            "Given back",
            "Batches and partitions, by class of failure; human: a person is needed.",
            [
                Query(
                    f"sum by (stage, failure) (rate(ksef_stage_batch_failures_total{RATE}))",
                    "batches {{stage}} {{failure}}",
                ),
                Query(
                    f"sum by (stage, failure) (rate(ksef_stage_partitions_paused_total{RATE}))",
                    "partitions {{stage}} {{failure}}",
                ),
            ],
            "ops",
        ),
        Panel(
            "Time until Kafka confirmed",
            "Groups of records.",
            quantiles("ksef_producer_publish_seconds"),
            "s",
        ),
        Panel(
            "Checks and mapping of a batch",
            "Off the event loop; all but one in a hundred are faster.",
            [
                *quantiles("ksef_mapper_map_seconds")[1:],
                *quantiles("ksef_validator_check_seconds")[1:],
            ],
            "s",
        ),
        Panel(
            "Rebalances",
            "Partitions taken away, commits refused after that, workers ended for standing still.",
            [
                Query(f"sum by (stage) (rate(ksef_stage_rebalances_total{RATE}))", "{{stage}} rebalances"),
                Query(f"sum by (stage) (rate(ksef_stage_commits_refused_total{RATE}))", "{{stage}} refused"),
                Query(f"sum by (stage) (rate(ksef_stage_stuck_total{RATE}))", "{{stage}} stuck"),
            ],
            "ops",
        ),
        Panel(
            "Worker starts",
            "In the last hour, by worker.",
            [
                Query(
                    "sum by (service) (changes(ksef_worker_started_timestamp_seconds[1h]))",
                    "{{service}}",
                )
            ],
        ),
        Panel(
            "Incoherence",
            "Rows by check.",
            [Query("max by (service, check) (ksef_incoherent) > 0", "{{service}} {{check}}")],
        ),
        Panel(
            "Coherence last checked",
            "Above five minutes nobody looks.",
            [
                Query(
                    "time() - max by (service) (ksef_coherence_checked_timestamp_seconds)",
                    "{{service}}",
                )
            ],
            "s",
        ),
    ],
)

ROWS = (_NOW, _FLOW, _AGE, _KSEF, _STAGES)
"""The dashboard, from top to bottom."""
