"""Why it was recommended: engines that write explanations, and the check that they are true."""
