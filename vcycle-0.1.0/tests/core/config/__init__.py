"""Tests for vcycle.core.config."""
