"""What an operator's own tools read: metrics reference, alert rules with their runbook, dashboard.

``python -m cli.monitoring`` writes these files again; tests/contract/test_monitoring.py compares them:

``docs/reference/metrics.md``               from the declarations of the metrics
``deploy/prometheus/ksef-courier.rules.yaml``   from ``alerts`` and the coherence checks
``docs/operations/alerts.md``               the same, with what to look at and what to do (its generated part)
``deploy/grafana/ksef-courier.json``        from ``panels``
"""
