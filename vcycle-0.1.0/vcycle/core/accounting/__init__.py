"""APEL accounting: what is told of each machine, and how it is found again."""
