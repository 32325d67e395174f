"""Raw chain data to records."""
