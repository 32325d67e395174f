"""The HTTP API: alerts, triage, screening, health, and the live feed as SSE and Socket.IO."""
