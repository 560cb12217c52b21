"""VacQuery: what factories say to one another, and its bytes."""
