"""The online path: gateway, explanations, cache, jobs, worker; and the command line."""
