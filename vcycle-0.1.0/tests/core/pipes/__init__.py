"""Tests of vacuum pipes' documents."""
