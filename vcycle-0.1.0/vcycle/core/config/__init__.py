"""From the text of configuration files to values that are checked once, then trusted."""
