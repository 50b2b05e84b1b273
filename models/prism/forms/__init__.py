"""Forms: how Facts become a prompt, and how a Prism's text becomes an explanation."""
