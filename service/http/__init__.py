"""HTTP: the gateway's routes and the ranking service's, and what guards them."""
