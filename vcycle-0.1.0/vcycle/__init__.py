"""Vcycle keeps spaces full of ephemeral virtual machines, by the vacuum model."""

__version__ = "0.1.0"
