"""Everything that lives in Redis: cache, jobs, limits, and which models are served."""
