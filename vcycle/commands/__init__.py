"""The vcycle command."""
