"""What commands show of the answers of factories."""
