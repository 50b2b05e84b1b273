"""Training: from labels to the weights of a student, in a work folder that any kill may leave."""
