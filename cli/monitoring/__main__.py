"""Writes the generated files again."""

from cli.monitoring import alert_page, dashboard, metric_page, rules

if __name__ == "__main__":
    alert_page.PAGE.write_text(alert_page.with_alerts(alert_page.PAGE.read_text("utf-8")), "utf-8")
    for path, text in (
        (metric_page.PAGE, metric_page.page()),
        (rules.FILE, rules.text()),
        (dashboard.FILE, dashboard.text()),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
