"""Distilling a Prism: label Facts with an Oracle, train the student, measure it."""
