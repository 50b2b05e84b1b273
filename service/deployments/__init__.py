"""Who is wired to whom: everything in one process, or each role in a process of its own."""
