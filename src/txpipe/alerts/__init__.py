"""What happens to alerts after they are raised: filters and formats; delivery has its room here."""
