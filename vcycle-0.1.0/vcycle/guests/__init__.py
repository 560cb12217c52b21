"""The web server that machines see."""
