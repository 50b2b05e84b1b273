"""What is understood of free language, claim by claim: only to contradict what cannot be so."""
