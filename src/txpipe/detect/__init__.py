"""From records to alerts."""
