"""What is kept on disk: records, outputs, history, heartbeats."""
