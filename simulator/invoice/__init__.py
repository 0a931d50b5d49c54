"""What happens to an invoice file: checked, read, judged, receipted."""
