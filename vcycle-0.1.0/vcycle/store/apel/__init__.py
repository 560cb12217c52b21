"""The spool of accounting on disk: archive, queue of what is sent, ledger, and what is pending."""
