"""What Vcycle costs, measured against bare baselines: ``benchmarks/run``."""
