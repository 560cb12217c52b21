"""Tests of VacQuery's messages."""
