"""The alerts, beside those that follow from coherence checks.

A threshold is where a person should look, not where something breaks; whoever runs a busier or a quieter
installation changes it in a copy of the rules.
"""

from cli.monitoring.alert import Alert, Group, of_checks
from services import WORKERS

_WORKERS = (
    Alert(
        name="KsefWorkerAbsent",
        title="No worker of a kind is seen",
        expr=" or ".join(f'absent(ksef_worker_ready{{service="{worker}"}})' for worker in WORKERS),
        lasting="5m",
        severity="critical",
        summary="No {{ $labels.service }} shows any metrics",
        meaning="Prometheus has seen no process of this worker for five minutes: none runs, or none is scraped. "
        "Documents wait before it and are not lost.",
        look="Does a process run, does Prometheus' page of targets show it, what are its last log lines and "
        "its exit code?",
        mend="Start one: `ksef-courier run <worker>`. Exit code 78: its settings are wrong, its last line "
        "says which. Exit code 65: [dead letters](dead-letters.md).",
    ),
    Alert(
        name="KsefWorkerNotReady",
        title="No worker of a kind is ready",
        expr="max by (service) (ksef_worker_ready) == 0",
        lasting="5m",
        severity="critical",
        summary="No {{ $labels.service }} is ready",
        meaning="Processes of this worker run, but none of them can work.",
        look="`/readyz` says why, and so do the log lines `waiting_for` and `kafka_does_not_let_us`.",
        mend="Bring back what is away (`ksef-courier doctor` looks at all of it). The worker goes on by "
        "itself; restarting it does not help.",
    ),
    Alert(
        name="KsefWorkerRestarts",
        title="A worker is started again and again",
        expr="sum by (service) (changes(ksef_worker_started_timestamp_seconds[30m])) > 2",
        severity="warning",
        summary="{{ $labels.service }} was started {{ $value }} times in half an hour",
        meaning="Processes of this worker end and are started again. Nothing is lost by it, but little is done.",
        look="The last log line of the process that ended (`worker_failed`, `worker_stuck`, `worker_killed`) "
        "and its exit code: [failures](../architecture/failures.md). 75: it was in doubt, or the progress "
        "watchdog found it stuck (`ksef_stage_stuck_total`). 65: every record became a dead letter.",
        mend="What the log line says. Killed for its memory: give it more, or another process beside it.",
    ),
    Alert(
        name="KsefKafkaMissing",
        title="A topic or a right on Kafka is missing",
        expr="max by (service) (ksef_kafka_missing) > 0",
        lasting="5m",
        severity="warning",
        summary="{{ $labels.service }} lacks {{ $value }} topics or rights on Kafka",
        meaning="A topic that the worker needs does not exist, or its principal may not use it. If it is the "
        "topic of one source, that source's documents wait; if it is shared, the worker does nothing.",
        look="The log line `kafka_does_not_let_us` names each of them.",
        mend="`ksef-courier topics apply`, `ksef-courier topics acl --apply`: see [access](access.md).",
    ),
)

_FLOW = (
    Alert(
        name="KsefDocumentsOld",
        title="Documents are old",
        # A document that waits for another one's fate is as old as that one lets it be.
        expr='max by (state) (ksef_tracker_oldest_pending_seconds{state!="waiting"}) > 900',
        lasting="5m",
        severity="warning",
        summary="A document stands at {{ $labels.state }}, accepted {{ $value | humanizeDuration }} ago",
        meaning="Some ERP's document was accepted a quarter of an hour ago and is neither issued nor refused.",
        look="The state says who is next: accepted: mapper; mapped: validator; admitted, sent: sender and "
        "KSeF. Then that worker's lag, failures and log. `ksef-courier status` says which companies.",
        mend="If one of the other alerts is on, that is the cause. Many documents of one company at once: KSeF "
        "takes only so many an hour, and nothing is wrong.",
    ),
    Alert(
        name="KsefStageStandsStill",
        title="Records wait and none is settled",
        expr="sum by (stage) (ksef_stage_lag_records) > 0 unless sum by (stage) "
        '(increase(ksef_stage_records_total{outcome!="retry"}[10m])) > 0',
        lasting="5m",
        severity="critical",
        summary="{{ $labels.stage }} has {{ $value }} records to read and settles none",
        meaning="A stage has had work for a quarter of an hour and has finished nothing.",
        look="Its log: `batch_given_back` (what it waits for), `partition_paused`, `record_failed`; and "
        "whether PostgreSQL answers (`ksef-courier doctor`).",
        mend="What the log line says. A worker that is stuck by itself is ended by its watchdog and need not be "
        "restarted by hand.",
    ),
    Alert(
        name="KsefLag",
        title="A stage is behind",
        expr="max by (stage, topic) (ksef_stage_lag_seconds) > 300",
        lasting="10m",
        severity="warning",
        summary="{{ $labels.stage }} reads records of {{ $labels.topic }} that are "
        "{{ $value | humanizeDuration }} old",
        meaning="More comes in than the stage gets done, or it is catching up.",
        look="`ksef_stage_lag_records` falls: it is catching up, and how fast. Else `ksef_stage_batch_seconds`, "
        "the machine's CPU, and PostgreSQL's.",
        mend="Start more processes of that worker: up to one for each partition of its topic shares the work.",
    ),
    Alert(
        name="KsefOutboxOld",
        title="Events wait in an outbox",
        expr="max by (service) (ksef_outbox_oldest_seconds) > 60",
        lasting="2m",
        severity="critical",
        summary="An event of {{ $labels.service }} has waited {{ $value | humanizeDuration }} for Kafka",
        meaning="What has become true is not told: the next stage, and the ERP, do not know of it.",
        look="Does Kafka take records (`ksef-courier doctor`), and what does the worker log (`loop_waits`, loop "
        "`…-outbox`)?",
        mend="Bring Kafka back. Nothing is lost: the events leave by themselves.",
    ),
    Alert(
        name="KsefDeadLetters",
        title="Dead letters",
        expr='sum by (stage) (increase(ksef_stage_records_total{outcome="dead-letter"}[15m])) > 0',
        severity="critical",
        summary="{{ $labels.stage }} could not process {{ $value | humanize }} records",
        meaning="Records that nobody can process were put aside. No ERP hears of them unless a person acts.",
        look="`ksef-courier dead-letters list` says which and why.",
        mend="Mend the cause, then send them back: [dead letters](dead-letters.md).",
    ),
    Alert(
        name="KsefBatchesGivenBack",
        title="Batches are given back",
        expr='sum by (stage, failure) (increase(ksef_stage_batch_failures_total{failure!="human"}[15m])) > 10',
        severity="warning",
        summary="{{ $labels.stage }} gave {{ $value | humanize }} batches back ({{ $labels.failure }})",
        meaning="A stage's work fails and is begun again, later each time.",
        look="The log line `batch_given_back` says why. Transient: PostgreSQL or Kafka is away or too slow.",
        mend="Bring back what is away. Poison: a batch takes too long; it comes again in halves, see "
        "`KSEF_STAGE__BATCH_SECONDS`.",
    ),
    Alert(
        name="KsefWaitsForAPerson",
        title="A stage waits for a person",
        expr='sum by (stage) (increase(ksef_stage_batch_failures_total{failure="human"}[15m])) > 0 or '
        'sum by (stage) (increase(ksef_stage_partitions_paused_total{failure="human"}[15m])) > 0',
        severity="critical",
        summary="{{ $labels.stage }} cannot go on without a person",
        meaning="Waiting will not mend it: a setting, a right, or an event of a newer version of the program.",
        look="The log lines `batch_given_back` and `partition_paused` at level error say for what.",
        mend="What they say. A newer version: finish its roll-out; the partition goes on by itself.",
    ),
)

_SENDING = (
    Alert(
        name="KsefLimitsReached",
        title="KSeF's limits are reached",
        expr='sum by (route) (increase(ksef_api_call_seconds_count{outcome="429"}[15m])) > 0',
        lasting="10m",
        severity="warning",
        summary="KSeF turns {{ $labels.route }} away: too many calls",
        meaning="A company's calls come faster than KSeF allows (by context and address, per second, minute and "
        "hour). The sender waits as long as KSeF says; documents take longer.",
        look="Which company: the log lines `sends_limited` and `questions_limited`. How much waits: `ksef-courier status`.",
        mend="Nothing, if a burst is being worked off. If it lasts: does another program call KSeF for the "
        "same company from the same address?",
    ),
    Alert(
        name="KsefAway",
        title="KSeF does not answer",
        expr='sum(rate(ksef_api_call_seconds_count{outcome=~"5xx|not-sent|lost"}[10m])) / '
        "sum(rate(ksef_api_call_seconds_count[10m])) > 0.5",
        lasting="10m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the calls to KSeF fail",
        meaning="KSeF is not reached, answers with errors of its own, or answers are lost. Documents are "
        "accepted and queued; what was posted with an unknown result is looked up before anything is sent again.",
        look="`ksef-courier doctor`, KSeF's own announcements, the proxy (`KSEF_HTTP__PROXY`).",
        mend="Nothing, if it is KSeF. Sending goes on by itself.",
    ),
    Alert(
        name="KsefLeasesLost",
        title="Senders lose their leases",
        expr="sum by (service) (increase(ksef_leases_lost_total[15m])) > 3",
        severity="warning",
        summary="{{ $labels.service }} lost {{ $value | humanize }} leases in a quarter of an hour",
        meaning="Senders take companies over from each other: each time an open session is closed and listed "
        "before anything is sent. Nothing is sent twice, but little is sent.",
        look="The log line `lease_lost`. Does PostgreSQL answer within seconds, do the sender's machines "
        "stall (CPU, memory, paused virtual machines)?",
        mend="Mend that. If answers are slow for good: a longer `KSEF_SENDER__LEASE_SECONDS`.",
    ),
    Alert(
        name="KsefDatabaseBehind",
        title="The database is older than what was sent",
        expr="sum(increase(ksef_sender_database_behind_total[1h])) > 0",
        severity="critical",
        summary="The database knows less than was sent to KSeF",
        meaning="It was restored from a copy, or failed over without its last commits. For the companies "
        "concerned nothing is sent before KSeF has listed what it has.",
        look="The log line `database_behind` says for which companies and since when. When was the database restored, and to which time?",
        mend="[Restoring the database](restore.md): `ksef-courier recover --since`.",
    ),
    Alert(
        name="KsefPausedLong",
        title="Sending has been stopped for long",
        expr="max by (kind) (ksef_sender_paused) > 0",
        lasting="4h",
        severity="warning",
        summary="{{ $value }} stops ({{ $labels.kind }}) have been in force for four hours",
        meaning="A person has stopped the sending and has not let it go on. An invoice is not issued meanwhile.",
        look="`ksef-courier status` says what is stopped, by whom and why.",
        mend="Ask them; then `ksef-courier resume … --reason`.",
    ),
    Alert(
        name="KsefNumberConflict",
        title="KSeF holds a number from somebody else",
        expr='sum(increase(ksef_sender_verdicts_total{verdict="conflict"}[15m])) > 0',
        severity="warning",
        summary="KSeF has {{ $value | humanize }} of our invoice numbers with other content",
        meaning="KSeF refused an invoice as a duplicate, and the first one is not ours: another program issues "
        "for the same company, or the ERP used a number twice before it came to us.",
        look="`ksef-courier status` counts what needs attention, by company; `ksef-courier status DOCUMENT` and the ERP's result name the other one.",
        mend="Have the company find out which of the two is right; the other needs a new number, in the ERP.",
    ),
)

_COHERENCE = (
    Alert(
        name="KsefAuditorSilent",
        title="The auditor itself is silent",
        expr="time() - max by (service) (ksef_coherence_checked_timestamp_seconds) > 300",
        severity="critical",
        summary="{{ $labels.service }} has not checked its tables for {{ $value | humanizeDuration }}",
        meaning="No process of the service has finished its checks for five minutes.",
        look="Does the worker run, does the database answer (`ksef-courier doctor`)?",
        mend="The log line `coherence_check_failed` names a check that cannot be made; `loop_waits` with loop "
        "`coherence` says why none can.",
    ),
    *of_checks(),
)

GROUPS = (
    Group("ksef-courier-workers", "Workers", _WORKERS),
    Group("ksef-courier-flow", "Flow", _FLOW),
    Group("ksef-courier-sending", "Sending", _SENDING),
    Group("ksef-courier-coherence", "Coherence", _COHERENCE),
)
"""All alerts, in the order of the page."""
