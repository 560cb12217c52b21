"""X.509 proxies: what machines prove with that they are ours."""
